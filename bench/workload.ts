/**
 * The recorded workload of the benchmarks: CREATE and DISCARD commands of 10,000 characters, at home, the same for the
 * same seed. Owns the generator; ids in DISCARD are those that the service will give.
 */
import { encodeHeaders } from '../engine/core/headers.ts'
import { partitionFor } from '../engine/core/murmur2.ts'
import type { Publisher } from '../engine/ports.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import type { HeaderEntry } from '../topology/headers.ts'

export const CHARACTERS = 10_000
const DISCARD_ONE_IN = 5
const BATCH_BYTES = 500_000
export const TENANT_HEADERS: readonly HeaderEntry[] = [
  ['TENANT_ID', Buffer.from('083839c6-c47c-42a6-9585-76492795d123')],
  ['REGION', Buffer.from('GMS')],
  ['MAJOR_VERSION', Buffer.from([0, 83])],
  ['MINOR_VERSION', Buffer.from([0, 1])],
]

export const COMMAND_HEADERS = encodeHeaders([
  ...TENANT_HEADERS,
  ['traceparent', Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')],
])

/** Park–Miller-like generator: small, and the same on every machine. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

/** Publishes `count` commands to `topic`; `ms` is the first timestamp. */
export async function loadCommands(
  publisher: Publisher,
  topic: string,
  partitions: number,
  count: number,
  seed: number,
  ms: number,
): Promise<void> {
  const random = generator(seed)
  const stride = 2 ** Math.ceil(Math.log2(partitions))
  const sequences: number[] = Array.from({ length: partitions }, () => 0)
  const kept: number[][] = Array.from({ length: CHARACTERS }, () => [])
  const keys = Array.from({ length: CHARACTERS }, (_, i) => {
    const key = Buffer.alloc(8)
    key.writeUInt32LE(i + 1)
    return key
  })
  const builders = Array.from({ length: partitions }, () => new RecordBatchBuilder())
  const flush = async (partition: number): Promise<void> => {
    const builder = builders[partition]!
    if (builder.count === 0) return
    const [answer] = await publisher.publish([{ topic, partition, bytes: builder.finish(PLAIN_STAMP) }])
    if (answer?.code !== 0) throw new Error(`publish to ${topic}-${partition}: code ${answer?.code}`)
    builder.reset()
  }
  for (let i = 0; i < count; i++) {
    const character = random(CHARACTERS)
    const key = keys[character]!
    const partition = partitionFor(key, partitions)
    const head = `{"worldId":0,"channelId":0,"characterId":${character + 1},`
    let value: string
    if (random(DISCARD_ONE_IN) === 0 && kept[character]!.length > 0) {
      value = `${head}"type":"DISCARD","body":{"noteIds":[${kept[character]!.splice(0, 3)}]}}`
    } else {
      kept[character]!.push(sequences[partition]!++ * stride + partition + 1)
      value = `${head}"type":"CREATE","body":{"senderId":${random(CHARACTERS) + 1},"message":"Note message ${i}","flag":0}}`
    }
    builders[partition]!.add(ms + Math.floor(i / 100), key, value, COMMAND_HEADERS)
    if (builders[partition]!.sizeBytes > BATCH_BYTES) await flush(partition)
  }
  for (let partition = 0; partition < partitions; partition++) await flush(partition)
}
