/**
 * This example shows how to follow what a topology publishes: the note service's status events, typed, of one tenant, from
 * wherever this program was when it ended. In one terminal `npm start`, in another, with the addresses of its ready line:
 *
 *   BOOTSTRAP_SERVERS=… REDIS_URL=… npx node examples/04-subscribe-to-events.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { subscribe } from '../index.ts'
import { noteStatus } from '../topology/notes/events.ts'

const { BOOTSTRAP_SERVERS: bootstrapServers, REDIS_URL: redisUrl } = process.env
const placeFile = process.env.PLACE_FILE || 'place.txt'
if (!bootstrapServers || !redisUrl) {
  console.error('BOOTSTRAP_SERVERS and REDIS_URL must be set: npm start starts both and prints them')
  process.exit(2)
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const events = subscribe(
  { kafka: { bootstrapServers, clientId: 'follower' }, state: { application: 'notes', redisUrl } },
  noteStatus,
  {
    tenant: '083839c6-c47c-42a6-9585-76492795d123',
    from: lastPlace() ?? 'earliest',
    signal: stop.signal,
    onGap: ({ partition, from, to }) => console.error(`partition ${partition}: ${to - from} offsets are gone`),
  },
)
for await (const { value, position, id } of events) {
  if (value.type === 'CREATED') console.log(position, `note ${value.body.noteId}: ${value.body.message}`)
  else console.log(position, value.type)
  writeFileSync(placeFile, id)
}

function lastPlace(): string | null {
  try {
    return readFileSync(placeFile, 'utf8')
  } catch {
    return null
  }
}
