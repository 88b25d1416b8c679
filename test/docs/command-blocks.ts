/**
 * The commands of the documentation's ```sh blocks, and the one table of those that are not simply run. What is not in the
 * table is run as it stands against a running service by test/integration/docs-commands.test.ts and must exit with 0.
 */
import { codeBlocks, pages, read } from './pages.ts'

export interface DocumentedCommand {
  /** As it stands, over several lines where it has them. */
  readonly text: string
  /** On one line, without comments and without spaces that mean nothing. */
  readonly plain: string
}

export interface CommandBlock {
  /** `README.md, 3rd`: the page and which of its blocks. */
  readonly name: string
  readonly page: string
  readonly commands: readonly DocumentedCommand[]
}

const GOES_ON = /(\\|\||&&)\s*$/

/** A `#` begins a comment where a word could begin, outside of quotes. */
const withoutComment = (line: string): string => /^(?:[^\s'"#]+#*|'[^']*'|"[^"]*"|\s+(?!#))*/.exec(line)![0].trimEnd()

/** One command per line; a line that ends with `\`, `|` or `&&` goes on in the next. */
export function commandsIn(code: string): readonly DocumentedCommand[] {
  const commands: DocumentedCommand[] = []
  let lines: string[] = []
  for (const line of code.trimEnd().split('\n')) {
    const bare = withoutComment(line)
    if (lines.length === 0 && bare.trim() === '') continue
    lines.push(bare)
    if (GOES_ON.test(bare)) continue
    const plain = lines.map((part) => part.replace(/\\$/, '').trim()).join(' ')
    commands.push({ text: lines.join('\n'), plain })
    lines = []
  }
  if (lines.length > 0) throw new Error(`the block ends in the middle of a command: ${lines.join(' ')}`)
  return commands
}

export const blocks: readonly CommandBlock[] = pages.flatMap((page) =>
  codeBlocks(read(page))
    .filter(({ language }) => language === 'sh')
    .map(({ code }, i) => ({ name: `${page}, block ${i + 1}`, page, commands: commandsIn(code) })),
)

const LONG = 'it takes minutes to hours'
const INSIDE = 'it would run this very test'

/** By the plain command, wherever it stands: why it is not run. That what it names exists is checked all the same. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  'npm run demo': 'test/integration/demo.test.ts runs it',
  'npm run stack': 'test/integration/embedded-stack.test.ts runs it',
  'npm run check': INSIDE,
  'npm test': INSIDE,
  '.ci/run': INSIDE,
  'npm run format': 'it writes into the checkout',
  'npm run test:sim -- --seconds 60': '.ci/run runs it, and test/simulation/main.test.ts a short one',
  'npm run test:faults': LONG,
  "npm run test:faults -- --only 'zombie|EndTxn' --workload ledger --seed 7": LONG,
  'npm run test:faults -- --soak 30': LONG,
  'npm run test:faults -- --write': LONG,
  'node bench/catch-up.ts': `${LONG}, and measures nothing beside tests`,
  'node bench/versus-streams.ts': `${LONG}, and measures nothing beside tests`,
  'node bench/latency.ts': `${LONG}, and measures nothing beside tests`,
  'node bench/failover.ts': `${LONG}, and measures nothing beside tests`,
  'node bench/rest.ts': `${LONG}, and measures nothing beside tests`,
  'node bench/codec.ts': `${LONG}, and measures nothing beside tests`,
  'npm install @opentelemetry/sdk-trace@3.1.1 @opentelemetry/exporter-trace-otlp-proto@0.301.1 @opentelemetry/resources@3.1.1':
    'it writes into the checkout; the versions are compared with what is installed',
}

/** It starts what everything else is run against. */
export const START = 'EMBEDDED_KAFKA_PORT=9092 npm start'

export interface Endless {
  /** It has done what it is for when this stands on its stdout; then it is ended. */
  readonly shows: RegExp
  /** Behind this on its stdout something happens to character 7, so that there is something to show. */
  readonly when?: RegExp
}

const HEADERS =
  "-H 'TENANT_ID: 083839c6-c47c-42a6-9585-76492795d123' -H 'REGION: GMS' -H 'MAJOR_VERSION: 83' -H 'MINOR_VERSION: 1'"
const STREAM = /^retry: 1000\n\n: following\nid: EVENT_TOPIC_NOTE_STATUS:\d+:-?\d+(,\d+:-?\d+){3}@[0-9a-f]{8}\n\n/
const EVENT =
  /^id: EVENT_TOPIC_NOTE_STATUS:\d+:\d+(,\d+:-?\d+){3}@[0-9a-f]{8}\nevent: CREATED\ndata: \{"transactionId":"[0-9a-f-]{36}","characterId":7,"type":"CREATED","body":\{"noteId":\d+,"senderId":9,"message":".+","flag":0,"time":".+"\}\}\n\n/m

/** Commands that go on until the user ends them. */
export const ENDLESS: Readonly<Record<string, Endless>> = {
  [`curl -N http://127.0.0.1:8080/api/events ${HEADERS}`]: {
    when: STREAM,
    shows: new RegExp(`${STREAM.source}(.*\\n)*?${EVENT.source}`, 'm'),
  },
  [`curl -N 'http://127.0.0.1:8080/api/events?characterId=7&type=CREATED,DELETED' ${HEADERS} -H 'Last-Event-ID: EVENT_TOPIC_NOTE_STATUS:2:0,0:-1,1:-1,3:-1'`]:
    { shows: EVENT },
  'npx node examples/03-run-as-a-service.ts': { shows: /^task \d: running$/m },
  'npx node examples/04-subscribe-to-events.ts': { shows: /\bnote \d+: .+$/m },
}

/** What must be on stdout of a block that has this command, where the page shows or says it. */
export const SHOWN: Readonly<Record<string, RegExp>> = {
  'npm run --silent tributary -- state get character 7': /meet me at the old mill/,
  'npm run --silent tributary -- verify': /the same/,
  'npm run --silent tributary -- topology --mermaid': /^flowchart LR\n/,
  "redis-cli --raw hget '{notes:3}:task' checkpoint": /"stateVersion":"v[0-9a-z]{16}"/,
  "redis-cli hgetall '{notes:3}:v0lb9hc8q9m7mkma2:notes:083839c6-c47c-42a6-9585-76492795d123:7'":
    /meet me at the old mill/,
  "redis-cli del '{notes:3}:task'": /^1$/m,
  'curl -s http://127.0.0.1:8080/api/asyncapi.json': /"asyncapi":"3\.0\.0"/,
  'npm run test:faults -- --list': /offsets reset behind our back/,
}

export const isRun = ({ plain }: DocumentedCommand): boolean =>
  !(plain in NOT_RUN) && !(plain in ENDLESS) && plain !== START
