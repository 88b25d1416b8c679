/**
 * The ledger's checker: folds the input log by itself and demands exactly its outcomes, in its order; that the sum over
 * all accounts is the same behind every batch of the changelog; and that the changelog's and Redis' last state is the
 * fold's. Reads Redis by a plain client and the layout that people see. Shares with the engine the transfer itself.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import type { TopicDump } from '../../java/log-dump.ts'
import { headerText, type LogRecord } from '../../java/log-record.ts'
import { EXPECT_HEADER } from '../checker/causes.ts'
import { checkTaken } from '../checker/checker.ts'
import { partitionOf } from '../checker/murmur2.ts'
import { Report } from '../checker/report.ts'
import { checkFollows, checkPositions, readTask } from '../checker/state.ts'
import { type Accounts, carryOut, OPENING, type Transfer, type TransferOutcome } from './transfer.ts'

/** `checking/<branch>:<account>`, `savings/<branch>/<account>`, `books/<branch>` → value. */
export type Entries = ReadonlyMap<string, unknown>

export interface LedgerRedis {
  readonly entries: Entries
  readonly index: ReadonlySet<string>
  readonly checkpoints: readonly (Record<string, any> | null)[]
  readonly strays: readonly string[]
}

export interface LedgerEvidence {
  readonly transfersTopic: string
  readonly transfers: readonly LogRecord[]
  readonly outcomes: readonly LogRecord[]
  readonly outcomePartitions: number
  readonly deadLetters: readonly LogRecord[]
  readonly changelog: readonly LogRecord[]
  readonly repartition: TopicDump
  readonly repartitionTopic: string
  readonly tasks: number
  readonly redis: LedgerRedis
  readonly committed: ReadonlyMap<string, number>
  readonly dumps: ReadonlyMap<string, TopicDump>
  readonly compacted: boolean
}

export function checkLedger(evidence: LedgerEvidence): Report {
  const report = new Report()
  const { tasks, redis, committed, transfersTopic } = evidence
  const wanted = foldInputs(evidence.transfers)
  checkOutcomes(wanted.outcomes, evidence, report)
  checkLetters(wanted.bad, evidence.deadLetters, report)
  const changelog = foldLedger(evidence.changelog, tasks, evidence.compacted, report)
  checkEntries('the changelog', wanted.entries, changelog.entries, report)
  checkEntries('Redis', wanted.entries, redis.entries, report)
  checkSum('Redis', redis.entries, report)
  for (const name of redis.entries.keys())
    if (name.startsWith('savings/') && !redis.index.has(name)) report.add('state', `the index lacks ${name}`)
  for (const name of redis.index)
    if (!redis.entries.has(name)) report.add('state', `the index has ${name}, which is not there`)
  if (redis.strays.length > 0) report.add('state', `${redis.strays.length} stray keys, such as ${redis.strays[0]}`)
  checkPositions(changelog, committed, redis, report)
  checkTaken({ ...evidence, inputs: [{ topic: transfersTopic, records: evidence.transfers }] }, report)
  report.fact('inputs', evidence.transfers.length)
  report.fact('outcomes', evidence.outcomes.length)
  report.fact('refused', [...wanted.outcomes.values()].flat().filter((o) => o.checking === null).length)
  report.fact('batches', changelog.batches)
  report.fact('forwarded', evidence.repartition.committed.length)
  for (const { dirty } of evidence.dumps.values()) report.fact('dirty', dirty.length)
  return report
}

/** A branch has one partition, so offsets give its order. */
function foldInputs(records: readonly LogRecord[]): {
  outcomes: ReadonlyMap<number, readonly TransferOutcome[]>
  entries: Entries
  bad: ReadonlyMap<string, string>
} {
  const outcomes = new Map<number, TransferOutcome[]>()
  const entries = new Map<string, unknown>()
  const bad = new Map<string, string>()
  for (const record of records) {
    const code = headerText(record, EXPECT_HEADER)
    if (code !== undefined) {
      bad.set(`${record.partition}@${record.offset}`, code)
      continue
    }
    const transfer = JSON.parse(record.value!.toString('utf8')) as Transfer
    const { branch } = transfer
    const names = {
      checking: `checking/${branch}:${transfer.checking}`,
      savings: `savings/${branch}/${transfer.savings}`,
      book: `books/${branch}`,
    }
    const before: Accounts = {
      checking: (entries.get(names.checking) as number | undefined) ?? OPENING,
      savings: (entries.get(names.savings) as number | undefined) ?? OPENING,
      book: (entries.get(names.book) as Accounts['book'] | undefined) ?? { n: 0, h: 0 },
    }
    const { outcome, ...after } = carryOut(transfer, before)
    for (const account of ['checking', 'savings'] as const) {
      if (after[account] === OPENING) entries.delete(names[account])
      else entries.set(names[account], after[account])
    }
    entries.set(names.book, after.book)
    const own = outcomes.get(branch) ?? []
    outcomes.set(branch, own)
    own.push(outcome)
  }
  return { outcomes, entries, bad }
}

function checkOutcomes(
  wanted: ReadonlyMap<number, readonly TransferOutcome[]>,
  { outcomes, outcomePartitions }: LedgerEvidence,
  report: Report,
): void {
  const got = new Map<number, TransferOutcome[]>()
  const seen = new Set<number>()
  for (const record of outcomes) {
    const outcome = JSON.parse(record.value!.toString('utf8')) as TransferOutcome
    if (seen.has(outcome.id)) report.add('doubled', `outcome of transfer ${outcome.id}`)
    seen.add(outcome.id)
    if (record.partition !== partitionOf(outcome.branch, outcomePartitions))
      report.add('misplaced', `outcome of transfer ${outcome.id}, branch ${outcome.branch}`)
    const own = got.get(outcome.branch) ?? []
    got.set(outcome.branch, own)
    own.push(outcome)
  }
  for (const [branch, expected] of wanted) {
    const own = got.get(branch) ?? []
    got.delete(branch)
    for (const { id } of expected)
      if (!seen.has(id)) report.add('lost', `transfer ${id} of branch ${branch} has no outcome`)
    const at = expected.findIndex((outcome, i) => !isDeepStrictEqual(outcome, own[i]))
    if (at >= 0 && own.length >= expected.length)
      report.add(
        'reordered',
        `branch ${branch}, outcome ${at}: wanted ${JSON.stringify(expected[at])}, got ${JSON.stringify(own[at])}`,
      )
    if (own.length > expected.length)
      report.add('phantom', `branch ${branch}: ${own.length - expected.length} too many`)
  }
  for (const branch of got.keys()) report.add('phantom', `outcomes of branch ${branch}, of which there is no transfer`)
}

function checkLetters(bad: ReadonlyMap<string, string>, letters: readonly LogRecord[], report: Report): void {
  const seen = new Set<string>()
  for (const letter of letters) {
    const at = `${headerText(letter, 'dead-letter.partition')}@${headerText(letter, 'dead-letter.offset')}`
    const reason = headerText(letter, 'dead-letter.reason')
    if (seen.has(at)) report.add('doubled', `dead letter of ${at}`)
    seen.add(at)
    if (!bad.has(at)) report.add('phantom', `dead letter of ${at}, whose record is good: ${reason}`)
    else if (bad.get(at) !== reason) report.add('wrong', `dead letter of ${at}: ${reason}, wanted ${bad.get(at)}`)
  }
  for (const at of bad.keys()) if (!seen.has(at)) report.add('lost', `the bad record ${at} has no dead letter`)
}

function foldLedger(
  records: readonly LogRecord[],
  tasks: number,
  compacted: boolean,
  report: Report,
): { entries: Entries; last: readonly (Record<string, any> | null)[]; batches: number } {
  const entries = new Map<string, unknown>()
  const last: (Record<string, any> | null)[] = new Array(tasks).fill(null)
  const surplus = new Array<number>(tasks).fill(0)
  let batches = 0
  for (const { partition, offset, key, value } of records) {
    const name = key?.toString('utf8') ?? ''
    const where = `changelog partition ${partition} offset ${offset}`
    if (name === 'checkpoint') {
      const checkpoint = JSON.parse(value!.toString('utf8')) as Record<string, any>
      checkFollows(last[partition] ?? null, checkpoint, where, { compacted, report })
      last[partition] = checkpoint
      batches++
      // Within a task every branch is whole: what it holds above the opening balances must be nothing.
      if (!compacted && surplus[partition] !== 0)
        report.add(
          'state',
          `${where}: behind batch ${checkpoint['batch']} the accounts hold ${surplus[partition]} too much`,
        )
      continue
    }
    const json = value === null ? undefined : JSON.parse(value.toString('utf8'))
    if (!name.startsWith('books/'))
      surplus[partition]! += (json ?? OPENING) - ((entries.get(name) as number | undefined) ?? OPENING)
    if (json === undefined) entries.delete(name)
    else entries.set(name, json)
  }
  checkSum('the changelog', entries, report)
  return { entries, last, batches }
}

function checkSum(what: string, entries: Entries, report: Report): void {
  let surplus = 0
  for (const [name, value] of entries) if (!name.startsWith('books/')) surplus += (value as number) - OPENING
  if (surplus !== 0) report.add('state', `${what}: the accounts hold ${surplus} too much`)
}

function checkEntries(what: string, wanted: Entries, got: Entries, report: Report): void {
  for (const [name, value] of wanted)
    if (!isDeepStrictEqual(got.get(name), value))
      report.add('state', `${what} has ${name} as ${JSON.stringify(got.get(name))}, wanted ${JSON.stringify(value)}`)
  for (const name of got.keys())
    if (!wanted.has(name)) report.add('state', `${what} has ${name}, which should not be there`)
}

export async function readLedgerRedis(redis: Redis, application: string, tasks: number): Promise<LedgerRedis> {
  const entries = new Map<string, unknown>()
  const index = new Set<string>()
  const checkpoints: (Record<string, any> | null)[] = []
  const strays: string[] = []
  for (let task = 0; task < tasks; task++) {
    const { checkpoint, keys } = await readTask(redis, application, task)
    checkpoints.push(checkpoint)
    for (const { key, parts } of keys) {
      const [store = '', ...rest] = parts
      const name = rest.join(':')
      if (store === 'checking' || store === 'books')
        entries.set(`${store}/${name}`, JSON.parse((await redis.get(key)) ?? 'null'))
      else if (store === 'savings')
        for (const [account, json] of Object.entries(await redis.hgetall(key)))
          entries.set(`savings/${name}/${account}`, JSON.parse(json))
      else if (store === 'savings-by-account')
        for (const account of await redis.zrange(key, '0', '-1')) index.add(`savings/${name}/${account}`)
      else strays.push(key)
    }
  }
  return { entries, index, checkpoints, strays }
}
