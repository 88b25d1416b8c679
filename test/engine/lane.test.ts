/** The lane, stepped: every phase, every class of answer; then a walk of random answers that holds the promise. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classify, codes, type ErrorClass, nameOf } from '../../engine/core/kafka-errors.ts'
import { type LaneCommand, LaneCore, type LanePhase, type Outcome } from '../../engine/core/lane.ts'
import type { PartitionCode, ProducerIdentity } from '../../engine/ports.ts'

const TIMEOUT_MS = 5_000
const identity: ProducerIdentity = { producerId: 7n, epoch: 3 }
const next: ProducerIdentity = { producerId: 7n, epoch: 4 }
const membership = { memberId: 'm', generation: 5, instanceId: null }

const all = (...given: number[]): PartitionCode[] => given.map((code, partition) => ({ topic: 't', partition, code }))

function lane(phase: LanePhase, rounds = 1): LaneCore {
  const core = new LaneCore({ transactionTimeoutMs: TIMEOUT_MS })
  if (phase === 'uninitialised') return core
  core.start()
  if (phase === 'initialising') return core
  core.initialised(0, identity)
  if (phase === 'idle') return core
  core.begin(membership, rounds, 0)
  if (phase === 'offsets') return core
  core.offsetsAnswered(all(0, 0), 0)
  if (phase === 'producing') return core
  if (phase === 'aborting') core.requestLost(0)
  else core.produced(all(0), 0)
  expect(core.phase).toBe(phase)
  return core
}

const kinds = (commands: readonly LaneCommand[]): string[] =>
  commands.map((command) => {
    if (command.kind === 'end') return command.commit ? 'commit' : 'abort'
    return command.kind === 'settle' ? `settle ${command.outcome.kind}` : command.kind
  })

const settled = (commands: readonly LaneCommand[]): Outcome | undefined =>
  commands.find((c) => c.kind === 'settle')?.outcome

const delayOf = (commands: readonly LaneCommand[]): number =>
  commands[0] && 'delayMs' in commands[0] ? commands[0].delayMs : -1

/** Every code of the broker, and one that it does not have yet. */
const everyCode = [...Object.values(codes), 4_711]
const ofClass = (kind: ErrorClass): number[] => everyCode.filter((code) => classify(code, 'transaction') === kind)

test('an identity that is used up is renewed between two transactions', () => {
  const core = lane('idle')
  expect(core.renew()).toEqual([{ kind: 'init', delayMs: 0 }])
  expect([core.phase, core.identity]).toEqual(['initialising', null])
  expect(core.initialised(0, next)).toEqual([])
  expect(core.identity).toEqual(next)
  for (const phase of ['offsets', 'producing', 'ending', 'aborting', 'initialising'] as const)
    expect(() => lane(phase).renew()).toThrow(phase)
})

describe('one transaction', () => {
  test('offsets first, then every round, then the commit', () => {
    const core = lane('idle')
    expect(core.begin(membership, 2, 0)).toEqual([{ kind: 'commit-offsets', identity, membership, delayMs: 0 }])
    expect(core.offsetsAnswered(all(0, 0), 1)).toEqual([
      { kind: 'produce', identity, round: 0, only: null, delayMs: 0 },
    ])
    expect(core.produced(all(0, 0), 2)).toEqual([{ kind: 'produce', identity, round: 1, only: null, delayMs: 0 }])
    expect(core.produced(all(0), 3)).toEqual([{ kind: 'end', identity, commit: true, delayMs: 0 }])
    expect(core.ended(0, next, 4)).toEqual([{ kind: 'settle', outcome: { kind: 'committed' } }])
    expect(core.phase).toBe('idle')
    expect(core.begin(membership, 1, 5)).toEqual([{ kind: 'commit-offsets', identity: next, membership, delayMs: 0 }])
  })

  test('adopts another producer id, too', () => {
    const core = lane('ending')
    core.ended(0, { producerId: 8n, epoch: 0 }, 0)
    expect(core.identity).toEqual({ producerId: 8n, epoch: 0 })
  })

  test('a move that its phase does not know is a defect', () => {
    expect(() => lane('offsets').begin(membership, 1, 0)).toThrow('the lane is offsets, not idle')
    expect(() => lane('idle').produced(all(0), 0)).toThrow('the lane is idle')
    expect(() => lane('producing').ended(0, next, 0)).toThrow('the lane is producing')
    expect(() => lane('ending').requestLost(0)).toThrow('the lane is ending')
    expect(() => lane('idle').endLost(0)).toThrow('the lane is idle')
    expect(() => lane('idle').restart()).toThrow('the lane is idle')
  })
})

/** What follows an answer of each class, in both phases that write. */
const consequence: Readonly<Record<Exclude<ErrorClass, 'NONE' | 'RETRY'>, readonly string[]>> = {
  REDO: ['abort'],
  ISOLATE: ['abort'],
  REGENERATE: ['abort'],
  UNKNOWN: ['abort'],
  LOST: ['abort', 'member-lost'],
  FATAL: ['abort', 'stop'],
  FENCED: ['settle recover', 'fenced'],
}
/** What the tasks hear once the abort is answered. */
const afterAbort: Readonly<Record<string, string>> = {
  REDO: 'redo',
  ISOLATE: 'isolate',
  REGENERATE: 'regenerate',
  UNKNOWN: 'redo',
  LOST: 'recover',
  FATAL: 'recover',
}

describe.each(['offsets', 'producing'] as const)('an answer while %s', (phase) => {
  const answer = (core: LaneCore, answered: readonly PartitionCode[], nowMs = 1): LaneCommand[] =>
    phase === 'offsets' ? core.offsetsAnswered(answered, nowMs) : core.produced(answered, nowMs)

  const cases = (Object.keys(consequence) as (keyof typeof consequence)[]).flatMap((kind) =>
    ofClass(kind).map((code) => [nameOf(code), code, kind] as const),
  )

  test.each(cases)('%s in one of two partitions never commits', (_, code, kind) => {
    for (const answered of [all(0, code), all(code, 0), all(code, code)]) {
      const core = lane(phase)
      const commands = answer(core, answered)
      expect(kinds(commands)).toEqual(consequence[kind])
      if (kind === 'FENCED') {
        expect(core.phase).toBe('uninitialised')
        expect(core.identity).toBeNull()
        continue
      }
      expect(core.phase).toBe('aborting')
      expect(kinds(core.ended(0, next, 2))).toEqual([`settle ${afterAbort[kind]}`])
      expect(core.phase).toBe('idle')
    }
  })

  test.each(ofClass('RETRY').map((code) => [nameOf(code), code] as const))(
    '%s is sent again, and only that',
    (_, code) => {
      const core = lane(phase)
      const commands = answer(core, all(0, code))
      expect(kinds(commands)).toEqual([phase === 'offsets' ? 'commit-offsets' : 'produce'])
      expect(delayOf(commands)).toBeGreaterThan(0)
      expect(core.phase).toBe(phase)
      if (phase === 'producing') expect(commands[0]).toMatchObject({ only: [{ topic: 't', partition: 1, code }] })
    },
  )

  test('a retry beside anything worse is no retry', () => {
    const core = lane(phase)
    const answered = all(codes.NOT_LEADER_OR_FOLLOWER, codes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(kinds(answer(core, answered))).toEqual(['abort'])
    expect(kinds(core.ended(0, next, 2))).toEqual(['settle redo'])
  })

  test('retries end at half of the transaction timeout', () => {
    const core = lane(phase)
    const answered = all(codes.COORDINATOR_NOT_AVAILABLE)
    expect(kinds(answer(core, answered, TIMEOUT_MS / 2))).not.toContain('abort')
    expect(kinds(answer(core, answered, TIMEOUT_MS / 2 + 1))).toEqual(['abort'])
  })

  test('no answer: never a commit', () => {
    const core = lane(phase)
    expect(kinds(core.requestLost(1))).toEqual(['abort'])
    expect(settled(core.ended(0, next, 2))).toEqual({ kind: 'redo', reason: 'no answer from the broker' })
  })

  test('DUPLICATE_SEQUENCE_NUMBER is success', () => {
    const core = lane(phase)
    expect(kinds(answer(core, all(0, codes.DUPLICATE_SEQUENCE_NUMBER)))).toEqual([
      phase === 'offsets' ? 'produce' : 'commit',
    ])
  })

  test('REGENERATE names the generation that was refused', () => {
    const core = lane(phase)
    answer(core, all(codes.ILLEGAL_GENERATION))
    expect(settled(core.ended(0, next, 2))).toEqual({ kind: 'regenerate', generation: membership.generation })
  })

  test('ISOLATE names the partitions that were refused', () => {
    const core = lane(phase)
    answer(core, all(0, codes.MESSAGE_TOO_LARGE, codes.NOT_LEADER_OR_FOLLOWER, codes.INVALID_RECORD))
    const outcome = settled(core.ended(0, next, 2))
    expect(outcome).toMatchObject({ kind: 'isolate', partitions: [{ partition: 1 }, { partition: 3 }] })
  })

  test('an unknown code twice in a row stops, with a commit between them it does not', () => {
    const twice = lane(phase)
    answer(twice, all(4_711))
    twice.ended(0, next, 2)
    twice.begin(membership, 1, 3)
    if (phase === 'producing') twice.offsetsAnswered(all(0), 3)
    expect(kinds(answer(twice, all(4_711), 4))).toEqual(['settle recover', 'stop'])
    expect(twice.phase).toBe('stopped')

    const between = lane(phase)
    answer(between, all(4_711))
    between.ended(0, next, 2)
    between.begin(membership, 1, 3)
    between.offsetsAnswered(all(0), 3)
    between.produced(all(0), 3)
    between.ended(0, next, 4)
    between.begin(membership, 1, 5)
    if (phase === 'producing') between.offsetsAnswered(all(0), 5)
    expect(kinds(answer(between, all(4_711), 6))).toEqual(['abort'])
  })
})

describe('a transaction that lasts', () => {
  test('is aborted at half of the timeout rather than committed, and shrinks', () => {
    const core = lane('producing')
    expect(kinds(core.produced(all(0), TIMEOUT_MS / 2 + 1))).toEqual(['abort'])
    expect(kinds(core.ended(0, next, TIMEOUT_MS))).toEqual(['settle shrink'])
  })

  test('its time begins when the offsets are pending, not when the markers before it were waited for', () => {
    const core = lane('offsets')
    expect(kinds(core.offsetsAnswered(all(codes.CONCURRENT_TRANSACTIONS), 4_000))).toEqual(['commit-offsets'])
    expect(kinds(core.offsetsAnswered(all(0), 4_001))).toEqual(['produce'])
    expect(kinds(core.produced(all(0), 4_002))).toEqual(['commit'])
  })
})

describe('markers of the transaction before that are still being written', () => {
  test('TxnOffsetCommit asks again after 1 ms', () => {
    const core = lane('offsets')
    const commands = core.offsetsAnswered(all(codes.CONCURRENT_TRANSACTIONS), 1)
    expect(commands).toMatchObject([{ kind: 'commit-offsets', delayMs: 1 }])
  })

  test('for twice the timeout; then a new producer id is asked for and the tasks look at Kafka', () => {
    const core = lane('offsets')
    core.offsetsAnswered(all(codes.CONCURRENT_TRANSACTIONS), 10)
    expect(kinds(core.offsetsAnswered(all(codes.CONCURRENT_TRANSACTIONS), 9 + TIMEOUT_MS * 2))).toEqual([
      'commit-offsets',
    ])
    expect(kinds(core.offsetsAnswered(all(codes.CONCURRENT_TRANSACTIONS), 10 + TIMEOUT_MS * 2))).toEqual([
      'settle recover',
      'init',
    ])
    expect(core.phase).toBe('initialising')
  })
})

describe.each([
  ['ending', 'commit', 'committed'],
  ['aborting', 'abort', 'redo'],
] as const)('an answer to EndTxn while %s', (phase, same, outcome) => {
  test.each([
    codes.CONCURRENT_TRANSACTIONS,
    codes.NOT_COORDINATOR,
    codes.COORDINATOR_LOAD_IN_PROGRESS,
    codes.REQUEST_TIMED_OUT,
  ])('%i: the same again, with the same identity', (code) => {
    const core = lane(phase)
    const commands = core.ended(code, next, 1)
    expect(commands).toMatchObject([{ kind: 'end', identity, commit: same === 'commit' }])
    expect(kinds(core.ended(0, next, 2))).toEqual([`settle ${outcome}`])
  })

  test('none: the same again until the timeout, then a new producer id, and Kafka knows what was decided', () => {
    const core = lane(phase)
    expect(kinds(core.endLost(TIMEOUT_MS - 1))).toEqual([same])
    expect(kinds(core.endLost(TIMEOUT_MS))).toEqual(['settle recover', 'init'])
    expect(core.identity).toBeNull()
  })

  test('INVALID_TXN_STATE: the opposite was decided', () => {
    const core = lane(phase)
    expect(kinds(core.ended(codes.INVALID_TXN_STATE, next, 1))).toEqual(['settle recover', 'init'])
  })

  test.each([codes.PRODUCER_FENCED, codes.INVALID_PRODUCER_EPOCH, codes.INVALID_PRODUCER_ID_MAPPING])(
    '%i: fenced, whatever was decided',
    (code) => {
      const core = lane(phase)
      expect(kinds(core.ended(code, next, 1))).toEqual(['settle recover', 'fenced'])
      expect(core.phase).toBe('uninitialised')
      expect(kinds(core.restart())).toEqual(['init'])
    },
  )

  test('FATAL stops, and the tasks do not believe in a commit', () => {
    const core = lane(phase)
    expect(kinds(core.ended(codes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, next, 1))).toEqual(['settle recover', 'stop'])
    expect(core.phase).toBe('stopped')
  })

  test.each(everyCode.filter((code) => code !== 0).map((code) => [nameOf(code), code] as const))(
    '%s is never taken for success',
    (_, code) => {
      const core = lane(phase)
      expect(settled(core.ended(code, next, 1))?.kind).not.toBe('committed')
      expect(['redo', 'regenerate', 'isolate', 'shrink']).not.toContain(settled(lane(phase).ended(code, next, 1))?.kind)
    },
  )
})

describe('InitProducerId', () => {
  test.each(everyCode.filter((code) => code !== 0).map((code) => [nameOf(code), code] as const))(
    '%s: asks again, or stops',
    (_, code) => {
      const core = lane('initialising')
      const commands = core.initialised(code, identity)
      if (classify(code, 'transaction') === 'FATAL') expect(kinds(commands)).toEqual(['stop'])
      else expect(kinds(commands)).toEqual(['init'])
      expect(core.identity).toBeNull()
    },
  )

  test('no answer: asks again', () => {
    const core = lane('initialising')
    expect(kinds(core.initLost())).toEqual(['init'])
    expect(delayOf(core.initLost())).toBeGreaterThan(0)
  })
})

describe('whatever is answered', () => {
  const code = fc.oneof(
    { weight: 12, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.constantFrom(...everyCode) },
  )
  const event = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('answer' as const),
        codes: fc.array(code, { minLength: 1, maxLength: 4 }),
        passMs: fc.integer({ min: 0, max: 600 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('lost' as const),
        codes: fc.constant([0]),
        passMs: fc.integer({ min: 0, max: 6_000 }),
      }),
    },
  )

  test('a commit follows only complete success, each transaction is settled once, one request is out at a time', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (events, rounds) => {
        const core = new LaneCore({ transactionTimeoutMs: TIMEOUT_MS })
        let nowMs = 0
        let epoch = 0
        let open = false
        let offsetsDone = false
        let roundsDone = 0
        /** Partitions of the round under way that have not answered yet. */
        let missing = new Set<number>()
        let pending: LaneCommand | null = null

        const take = (commands: readonly LaneCommand[]): void => {
          pending = null
          for (const command of commands) {
            if (command.kind === 'settle') {
              expect(open).toBe(true)
              open = false
              continue
            }
            if (command.kind === 'fenced' || command.kind === 'member-lost' || command.kind === 'stop') continue
            expect(pending).toBeNull()
            pending = command
            if (command.kind === 'produce') {
              expect(offsetsDone).toBe(true)
              expect(command.round).toBe(roundsDone)
              if (!command.only) missing = new Set([0, 1, 2, 3])
              else for (const { partition } of command.only) expect(missing.has(partition)).toBe(true)
            }
            if (command.kind === 'end' && command.commit) {
              expect(offsetsDone).toBe(true)
              expect(roundsDone).toBe(rounds)
              expect(missing.size).toBe(0)
            }
          }
        }

        take(core.start())
        for (const { kind, codes: answered, passMs } of events) {
          nowMs += passMs
          if (core.phase === 'idle') {
            expect(open).toBe(false)
            open = true
            offsetsDone = false
            roundsDone = 0
            take(core.begin(membership, rounds, nowMs))
          } else if (core.phase === 'uninitialised') take(core.restart())
          else if (core.phase === 'stopped') break
          const command = pending as LaneCommand | null
          expect(command).not.toBeNull()
          const answers = all(...answered)
          switch (command?.kind) {
            case 'init':
              take(
                kind === 'lost' ? core.initLost() : core.initialised(answered[0]!, { producerId: 1n, epoch: epoch++ }),
              )
              break
            case 'commit-offsets':
              if (kind === 'lost') take(core.requestLost(nowMs))
              else {
                offsetsDone = answers.every((a) => classify(a.code, 'transaction') === 'NONE')
                take(core.offsetsAnswered(answers, nowMs))
              }
              break
            case 'produce': {
              if (kind === 'lost') {
                take(core.requestLost(nowMs))
                break
              }
              // Every partition that was asked answers; those beyond the list answer as its first.
              const asked = command.only?.map((o) => o.partition) ?? [0, 1, 2, 3]
              const given = asked.map((partition, i) => ({ topic: 't', partition, code: answered[i] ?? answered[0]! }))
              for (const { partition, code } of given)
                if (classify(code, 'transaction') === 'NONE') missing.delete(partition)
              if (missing.size === 0) roundsDone++
              take(core.produced(given, nowMs))
              break
            }
            case 'end':
              take(
                kind === 'lost'
                  ? core.endLost(nowMs)
                  : core.ended(answered[0]!, { producerId: 1n, epoch: epoch++ }, nowMs),
              )
              break
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
