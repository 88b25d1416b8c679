/**
 * This benchmark prints what the record-batch codec costs per record, and how many times faster it is than the Kafka
 * client's own. Run: node bench/codec.ts
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { encodeHeaders, HeaderCursor, type RecordView } from '../engine/core/headers.ts'
import { murmur2 } from '../engine/core/murmur2.ts'
import { position } from '../engine/core/numbers.ts'
import { FetchedRecords } from '../engine/wire/fetched-records.ts'
import { COMPRESSIONS, type Compression } from '../engine/wire/layout.ts'
import { RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'

const RECORDS = 4_000
const ROUNDS = 60

const headers = encodeHeaders([['traceparent', Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')]])
const keys = Array.from({ length: RECORDS }, (_, i) => {
  const key = Buffer.alloc(8)
  key.writeBigInt64LE(BigInt(i * 7919))
  return key
})
const values = keys.map((_, i) =>
  JSON.stringify({
    transactionId: `0190163d-8694-739b-aea5-${String(i * 7919).padStart(12, '0')}`,
    type: 'CREATE',
    characterId: i * 7919,
    body: { senderId: i, message: 'meet me at the old mill', flag: 1 },
  }),
)

/** Best of the rounds: what the code costs when nothing else interferes. */
function nanoseconds(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    run()
    best = Math.min(best, Number(process.hrtime.bigint() - start))
  }
  return best / RECORDS
}

const builder = new RecordBatchBuilder()
function encode(compression: Compression): Buffer {
  builder.reset()
  for (let i = 0; i < RECORDS; i++) builder.add(1_700_000_000_000 + i, keys[i]!, values[i]!, headers)
  return builder.finish({ producerId: 1n, epoch: 1, baseSequence: 0, transactional: true, compression })
}

let seen: RecordView | undefined
function decode(bytes: Buffer): void {
  const records = new FetchedRecords(bytes, [], position(0))
  for (let view = records.next(); view !== undefined; view = records.next()) seen = view
}

const row = (name: string, ns: number, rest = ''): void =>
  console.log(`${name.padEnd(26)}${ns.toFixed(0).padStart(8)} ns/record${rest}`)
const plain = encode('none')
console.log(`${RECORDS} records, ${(plain.length / RECORDS).toFixed(0)} bytes each`)

// Warm up, so that the first row is not the compiler's.
for (const compression of COMPRESSIONS) nanoseconds(() => decode(encode(compression)))

const encodeNs = new Map(COMPRESSIONS.map((compression) => [compression, nanoseconds(() => void encode(compression))]))
const decodeNs = new Map(
  COMPRESSIONS.map((compression) => {
    const bytes = encode(compression)
    return [compression, nanoseconds(() => decode(bytes))]
  }),
)
for (const [compression, ns] of encodeNs) row(`encode ${compression}`, ns)
for (const [compression, ns] of decodeNs) row(`decode ${compression}`, ns)

const cursor = new HeaderCursor()
decode(plain)
row(
  'walk the header section',
  nanoseconds(() => {
    for (let i = 0; i < RECORDS; i++) {
      cursor.reset(seen!.bytes, seen!.headersStart, seen!.headersEnd)
      while (cursor.next());
    }
  }),
)
let hash = 0
row(
  'murmur2 of an 8-byte key',
  nanoseconds(() => {
    for (const key of keys) hash ^= murmur2(key)
  }),
)

// The client's codec is not part of its public surface, so it is loaded by its file.
const root = dirname(createRequire(import.meta.url).resolve('@platformatic/kafka'))
const load = (file: string) => import(pathToFileURL(join(root, 'protocol', file)).href)
const theirs = await load('records.js')
const { Reader } = await load('reader.js')
const traceparent = Buffer.from('traceparent')
const traceValue = Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
const theirEncode = nanoseconds(() => {
  const messages = values.map((value, i) => ({
    key: keys[i],
    value: Buffer.from(value),
    headers: new Map([[traceparent, traceValue]]),
    timestamp: 1_700_000_000_000n,
  }))
  theirs.createRecordsBatch(messages, { transactionalId: 't', producerId: 1n, producerEpoch: 1 }).buffer
})
const theirDecode = nanoseconds(() => theirs.readRecordsBatches(Reader.from(plain)))
const ratio = (other: number, own: number): string => `   ${(other / own).toFixed(1)} times ours`
row('client encode none', theirEncode, ratio(theirEncode, encodeNs.get('none')!))
row('client decode none', theirDecode, ratio(theirDecode, decodeNs.get('none')!))
if (hash === 0.5) throw new Error('unreachable: keeps the loops from being optimised away')
