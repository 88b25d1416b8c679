/** Reading a partition forwards, and the newest of it backwards, over gaps and open transactions. */
import { describe, expect, test } from 'vitest'
import { NO_HEADERS, valueOf as valueBytesOf } from '../../engine/core/headers.ts'
import { position } from '../../engine/core/numbers.ts'
import type { FetchClient, FetchedPartition } from '../../engine/ports.ts'
import { RecordBatchBuilder } from '../../engine/wire/record-batch-builder.ts'
import { newestRecords, readRecords } from '../../operations/records.ts'

const at = { topic: 't', partition: 0 }
const nobody = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false, compression: 'none' } as const

interface LogBatch {
  readonly base: number
  readonly values: readonly string[]
}

/** A log of batches; offsets between them are markers or compacted. Everything from `stable` on is undecided. */
class FakeLog implements FetchClient {
  fetches = 0
  readonly #batches: readonly { readonly base: number; readonly last: number; readonly bytes: Buffer }[]
  readonly #stable: number

  constructor(batches: readonly LogBatch[], stable = Number.POSITIVE_INFINITY) {
    this.#stable = stable
    this.#batches = batches.map(({ base, values }) => {
      const builder = new RecordBatchBuilder()
      for (const value of values) builder.add(0, null, value, NO_HEADERS)
      const bytes = builder.finish(nobody)
      bytes.writeBigInt64BE(BigInt(base), 0)
      return { base, last: base + values.length - 1, bytes }
    })
  }

  async fetch([request]: Parameters<FetchClient['fetch']>[0]): Promise<readonly FetchedPartition[]> {
    this.fetches++
    const asked = request!.position
    const batch = this.#batches.find(({ last, base }) => last >= asked && base < this.#stable)
    return [
      {
        ...at,
        code: 0,
        asked,
        highWatermark: position(1_000),
        lastStableOffset: position(Math.min(this.#stable, 1_000)),
        logStart: position(0),
        aborted: [],
        records: batch?.bytes ?? Buffer.alloc(0),
      },
    ]
  }

  async close(): Promise<void> {}
}

const batches = Array.from({ length: 30 }, (_, n) => ({ base: n * 10, values: [`a${n}`, `b${n}`] }))

describe('forwards', () => {
  const read = async (from: number, end: number) => {
    const values: string[] = []
    await readRecords(new FakeLog(batches), at, position(from), position(end), 'wait', (view) =>
      values.push(String(valueBytesOf(view))),
    )
    return values
  }

  test('from..end-1, in the middle of batches too', async () => {
    expect(await read(0, 12)).toEqual(['a0', 'b0', 'a1', 'b1'])
    expect(await read(1, 11)).toEqual(['b0', 'a1'])
    expect(await read(2, 10)).toEqual([])
    expect(await read(5, 5)).toEqual([])
  })

  test('stops where a transaction is open, if told so', async () => {
    const values: string[] = []
    await readRecords(new FakeLog(batches, 20), at, position(0), position(100), 'stop', (view) =>
      values.push(String(valueBytesOf(view))),
    )
    expect(values).toEqual(['a0', 'b0', 'a1', 'b1'])
  })

  test.each([
    [1, 'offset.out_of_range', 'refused'],
    [29, 'kafka.refused', 'unreachable'],
  ])('code %i: %s, %s', async (code, name, kind) => {
    const log = new FakeLog([])
    const fetch = {
      ...log,
      close: async () => {},
      fetch: async () =>
        (await log.fetch([{ ...at, position: position(0), maxBytes: 1 }])).map((answer) => ({ ...answer, code })),
    }
    await expect(readRecords(fetch, at, position(0), position(1), 'wait', () => {})).rejects.toMatchObject({
      code: name,
      kind,
    })
  })
})

describe('backwards', () => {
  const newest = (
    count: number,
    wanted: (value: string) => boolean,
    offsetsMax = Number.POSITIVE_INFINITY,
    log = new FakeLog(batches),
  ) =>
    newestRecords(log, at, { start: 0, end: 292 }, { count, open: 'stop', offsetsMax }, (view) => {
      const value = String(valueBytesOf(view))
      return wanted(value) ? value : null
    })

  test('the newest, oldest first', async () => {
    expect(await newest(3, () => true)).toEqual({ items: ['b28', 'a29', 'b29'], complete: true })
    expect(await newest(100, () => true)).toMatchObject({ complete: true, items: { length: 60 } })
  })

  test('goes back over windows until it has enough, each offset once', async () => {
    expect((await newest(2, (value) => value === 'a0' || value === 'a28')).items).toEqual(['a0', 'a28'])
    expect((await newest(1, () => false)).items).toEqual([])
  })

  test('gives up after so many offsets and says so', async () => {
    expect(await newest(1, (value) => value === 'a0', 200)).toEqual({ items: [], complete: false })
  })

  test('the newest committed ones where a transaction is open', async () => {
    expect((await newest(1, () => true, 1_000, new FakeLog(batches, 20))).items).toEqual(['b1'])
  })
})
