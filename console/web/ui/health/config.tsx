/** The configuration that this instance runs with. */
import { useMemo } from 'preact/hooks'
import type { ConfigView } from '../../../contract.ts'
import { useLoad } from '../../load.ts'
import { go, linkTo } from '../../router.ts'
import { Empty, Foreign, Loading, Panel } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'
import { Stale } from '../stale.tsx'
import { linesOf } from './findings.ts'

export function ConfigPanel({ text }: { text: string }) {
  const loaded = useLoad<ConfigView>('/config')
  const lines = useMemo(() => linesOf(loaded.data?.config ?? {}), [loaded.data])
  const wanted = text.trim().toLowerCase()
  const shown = lines.filter((line) => line.some((part) => part.toLowerCase().includes(wanted)))
  return (
    <Panel
      title="Configuration"
      actions={
        <input
          data-search
          type="search"
          aria-label="Filter the configuration"
          placeholder="Filter"
          value={text}
          onInput={(event) => go(linkTo(['health'], { text: event.currentTarget.value }), true)}
        />
      }
    >
      {loaded.error && (
        <div class="body">
          <Stale loaded={loaded} />
        </div>
      )}
      {loaded.data === null ? (
        loaded.loading && <Loading what="the configuration" />
      ) : shown.length === 0 ? (
        <Empty>Nothing has this in its name or value.</Empty>
      ) : (
        <Scroll label="Configuration, scrolls">
          <table class="config">
            <caption class="visually-hidden">Effective configuration of this instance; secrets are masked</caption>
            <thead>
              <tr>
                <th>Name</th>
                <th>Value</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row" class="mono">
                    {name}
                  </th>
                  <td class="mono">{value === '' ? <span class="soft">–</span> : <Foreign text={value} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  )
}
