/** Where else the service tells of itself, and what does the same from a terminal. */
import { Command } from '../copy-button.tsx'
import { Panel } from '../parts.tsx'

const LINKS = [
  ['/readyz', 'Readiness, as probes see it'],
  ['/metrics', 'Metrics for Prometheus'],
  ['/api/openapi.json', 'OpenAPI of the REST interface'],
  ['/api/asyncapi.json', 'AsyncAPI of topics and events'],
] as const

const COMMANDS = [
  ['Examine', 'npm run --silent tributary -- doctor'],
  ['Watch tasks and lag', 'npm run --silent tributary -- top'],
  ['List dead letters', 'npm run --silent tributary -- dead-letters list'],
  ['History of a note', 'npm run --silent tributary -- state history note 12'],
  ['Compare Redis with the changelog', 'npm run --silent tributary -- verify'],
] as const

export const ElsewherePanel = () => (
  <Panel title="Elsewhere">
    <div class="body elsewhere">
      <ul>
        {LINKS.map(([path, what]) => (
          <li key={path}>
            <a href={path} target="_blank" rel="noreferrer" class="mono">
              {path}
            </a>{' '}
            <span class="soft">{what}</span>
          </li>
        ))}
      </ul>
      <h3>In a terminal</h3>
      <dl>
        {COMMANDS.map(([what, text]) => (
          <div key={text}>
            <dt>{what}</dt>
            <dd>
              <Command text={text} what={`the command: ${what}`} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  </Panel>
)
