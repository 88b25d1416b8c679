/** The keyboard shortcuts, as a list that `?` opens. */
import { Dialog } from './dialog.tsx'

interface Props {
  readonly pages: readonly { readonly title: string; readonly key: string }[]
  readonly shown: boolean
  readonly close: () => void
}

export const KeysDialog = ({ pages, shown, close }: Props) => (
  <Dialog title="Keyboard" shown={shown} close={close}>
    <dl class="keys">
      {pages.map(({ title, key }) => (
        <div key={key}>
          <dt>
            <kbd>g</kbd> <kbd>{key}</kbd>
          </dt>
          <dd>{title}</dd>
        </div>
      ))}
      <div>
        <dt>
          <kbd>/</kbd>
        </dt>
        <dd>Search on this page</dd>
      </div>
      <div>
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>This list</dd>
      </div>
    </dl>
  </Dialog>
)
