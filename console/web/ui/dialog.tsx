/** A modal dialog: the browser's own, so that focus, Escape and what lies behind it are right. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

export function Dialog(props: {
  title: string
  shown: boolean
  close: () => void
  wide?: boolean
  children: ComponentChildren
}) {
  const { title, shown, close } = props
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const dialog = element.current
    if (!dialog) return
    if (shown && !dialog.open) dialog.showModal()
    else if (!shown && dialog.open) dialog.close()
  }, [shown])
  return (
    <dialog ref={element} aria-labelledby={id} class={props.wide ? 'wide' : ''} onClose={close}>
      <div class="title">
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={close}>
          ✕
        </button>
      </div>
      {shown && props.children}
    </dialog>
  )
}
