/** Membership, stepped: four requests and what each answer means. */
import { describe, expect, test } from 'vitest'
import { codes } from '../../engine/core/kafka-errors.ts'
import {
  decodeAssignmentFacts,
  decodeMemberFacts,
  encodeAssignmentFacts,
  encodeMemberFacts,
  type MembershipCommand,
  MembershipCore,
  type MembershipPhase,
} from '../../engine/core/membership.ts'
import type { GroupMembership, JoinAnswer } from '../../engine/ports.ts'

const HEARTBEAT_MS = 200
const assignment = Buffer.from('a')

const joined = (given: Partial<JoinAnswer> = {}): JoinAnswer => ({
  code: 0,
  memberId: 'm-1',
  generation: 4,
  leader: 'm-0',
  members: [],
  skipAssignment: false,
  ...given,
})

function member(phase: MembershipPhase = 'member', instanceId: string | null = null): MembershipCore {
  const core = new MembershipCore({ instanceId, heartbeatMs: HEARTBEAT_MS })
  if (phase === 'out') return core
  core.start()
  if (phase === 'joining') return core
  core.joinAnswered(joined())
  if (phase === 'syncing') return core
  core.syncAnswered(0, assignment)
  expect(core.phase).toBe('member')
  return core
}

const kinds = (commands: readonly MembershipCommand[]): string[] => commands.map((command) => command.kind)
const joinOf = (commands: readonly MembershipCommand[]) => commands.find((c) => c.kind === 'join')

describe('joining', () => {
  test('a new member gets its id from the coordinator and joins with it', () => {
    const core = member('out')
    expect(core.start()).toEqual([{ kind: 'join', memberId: '', delayMs: 0 }])
    expect(core.joinAnswered(joined({ code: codes.MEMBER_ID_REQUIRED, memberId: 'm-9' }))).toEqual([
      { kind: 'join', memberId: 'm-9', delayMs: 0 },
    ])
  })

  test('the ownership begins with the SyncGroup answer, not before', () => {
    const core = member('joining')
    const commands = core.joinAnswered(joined())
    const membership = { memberId: 'm-1', generation: 4, instanceId: null }
    expect(commands).toEqual([{ kind: 'sync', membership, members: null }])
    expect(core.current).toBeNull()
    expect(core.syncAnswered(0, assignment)).toEqual([
      { kind: 'assigned', membership, assignment },
      { kind: 'heartbeat', membership, delayMs: HEARTBEAT_MS },
    ])
    expect(core.current).toEqual(membership)
  })

  test('through a rebalance the old generation stays in use until the next SyncGroup answer', () => {
    const core = member()
    const before = core.current!
    expect(kinds(core.heartbeatAnswered(before, codes.REBALANCE_IN_PROGRESS))).toEqual(['join'])
    expect(core.current).toBe(before)
    core.joinAnswered(joined({ generation: 5 }))
    expect(core.current).toBe(before)
    core.syncAnswered(0, assignment)
    expect(core.current).toEqual({ ...before, generation: 5 })
  })

  test('the leader is given the members', () => {
    const members = [{ memberId: 'm-1', instanceId: null, metadata: Buffer.alloc(0) }]
    const [command] = member('joining').joinAnswered(joined({ leader: 'm-1', members }))
    expect(command).toMatchObject({ kind: 'sync', members })
  })

  test('a static leader that came back must not compute an assignment', () => {
    const members = [{ memberId: 'm-1', instanceId: 'i', metadata: Buffer.alloc(0) }]
    const [command] = member('joining', 'i').joinAnswered(joined({ leader: 'm-1', members, skipAssignment: true }))
    expect(command).toMatchObject({ kind: 'sync', members: null })
  })

  test('static members carry their instance id', () => {
    const core = member('member', 'pod-1')
    expect(core.current?.instanceId).toBe('pod-1')
  })
})

describe.each(['joining', 'syncing'] as const)('an answer while %s', (phase) => {
  const answer = (core: MembershipCore, code: number): MembershipCommand[] =>
    phase === 'joining'
      ? core.joinAnswered(joined({ code, memberId: '', generation: -1 }))
      : core.syncAnswered(code, Buffer.alloc(0))

  test.each([
    codes.COORDINATOR_LOAD_IN_PROGRESS,
    codes.COORDINATOR_NOT_AVAILABLE,
    codes.NOT_COORDINATOR,
    codes.REQUEST_TIMED_OUT,
    4_711,
  ])('%i: joins again after a pause', (code) => {
    const core = member(phase)
    const commands = answer(core, code)
    expect(kinds(commands)).toEqual(['join'])
    expect(joinOf(commands)?.delayMs).toBeGreaterThan(0)
    expect(core.phase).toBe('joining')
  })

  test('UNKNOWN_MEMBER_ID: every task is lost, and it comes back as somebody else', () => {
    const core = member(phase)
    const commands = answer(core, codes.UNKNOWN_MEMBER_ID)
    expect(kinds(commands)).toEqual(['all-lost', 'join'])
    expect(joinOf(commands)?.memberId).toBe('')
    expect(core.current).toBeNull()
  })

  test('FENCED_INSTANCE_ID: another process has our id', () => {
    const core = member(phase)
    expect(answer(core, codes.FENCED_INSTANCE_ID)).toMatchObject([
      { kind: 'all-lost' },
      { kind: 'stop', code: 'instance.duplicate' },
    ])
    expect(core.phase).toBe('stopped')
  })

  test.each([
    codes.GROUP_AUTHORIZATION_FAILED,
    codes.INCONSISTENT_GROUP_PROTOCOL,
    codes.INVALID_SESSION_TIMEOUT,
    codes.INVALID_GROUP_ID,
  ])('%i: stops', (code) => {
    expect(answer(member(phase), code)).toMatchObject([{ kind: 'all-lost' }, { kind: 'stop', code: 'group.refused' }])
  })

  test('none: joins again under the same id', () => {
    const core = member(phase)
    const commands = core.lost(phase === 'joining' ? 'join' : 'sync', null)
    expect(kinds(commands)).toEqual(['join'])
    expect(joinOf(commands)?.memberId).toBe(phase === 'joining' ? '' : 'm-1')
  })
})

test.each([codes.REBALANCE_IN_PROGRESS, codes.ILLEGAL_GENERATION])(
  'SyncGroup answers %i: joins again at once, keeping its id',
  (code) => {
    const commands = member('syncing').syncAnswered(code, Buffer.alloc(0))
    expect(commands).toEqual([{ kind: 'join', memberId: 'm-1', delayMs: 0 }])
  },
)

describe('heartbeats', () => {
  test('go on while all is well', () => {
    const core = member()
    const membership = core.current!
    expect(core.heartbeatAnswered(membership, 0)).toEqual([{ kind: 'heartbeat', membership, delayMs: HEARTBEAT_MS }])
  })

  test.each([codes.REBALANCE_IN_PROGRESS, codes.ILLEGAL_GENERATION])(
    '%i: joins again under its id, tasks go on',
    (code) => {
      const core = member()
      expect(core.heartbeatAnswered(core.current!, code)).toEqual([{ kind: 'join', memberId: 'm-1', delayMs: 0 }])
      expect(core.current).not.toBeNull()
    },
  )

  test('UNKNOWN_MEMBER_ID: evicted', () => {
    const core = member()
    const commands = core.heartbeatAnswered(core.current!, codes.UNKNOWN_MEMBER_ID)
    expect(kinds(commands)).toEqual(['all-lost', 'join'])
    expect(joinOf(commands)?.memberId).toBe('')
    expect(core.current).toBeNull()
  })

  test('FENCED_INSTANCE_ID and a refused group stop', () => {
    for (const [code, stop] of [
      [codes.FENCED_INSTANCE_ID, 'instance.duplicate'],
      [codes.GROUP_AUTHORIZATION_FAILED, 'group.refused'],
    ] as const) {
      const core = member()
      expect(core.heartbeatAnswered(core.current!, code)).toMatchObject([
        { kind: 'all-lost' },
        { kind: 'stop', code: stop },
      ])
    }
  })

  test('a lost one, or a coordinator that is away: again, sooner', () => {
    const core = member()
    const membership = core.current!
    for (const commands of [
      core.lost('heartbeat', membership),
      core.heartbeatAnswered(membership, codes.COORDINATOR_NOT_AVAILABLE),
    ]) {
      expect(kinds(commands)).toEqual(['heartbeat'])
      expect(commands[0]).toMatchObject({ membership })
      expect((commands[0] as { delayMs: number }).delayMs).toBeLessThanOrEqual(HEARTBEAT_MS)
    }
  })

  test('an answer to one of an earlier generation says nothing', () => {
    const core = member()
    const before = core.current!
    core.heartbeatAnswered(before, codes.REBALANCE_IN_PROGRESS)
    core.joinAnswered(joined({ generation: 5 }))
    core.syncAnswered(0, assignment)
    expect(core.heartbeatAnswered(before, codes.UNKNOWN_MEMBER_ID)).toEqual([])
    expect(core.phase).toBe('member')
  })
})

describe('what other parts were told', () => {
  test('of the current membership: evicted, or a duplicate', () => {
    const evicted = member()
    expect(kinds(evicted.evicted(evicted.current!, codes.UNKNOWN_MEMBER_ID))).toEqual(['all-lost', 'join'])
    const duplicate = member()
    expect(duplicate.evicted(duplicate.current!, codes.FENCED_INSTANCE_ID)).toMatchObject([
      { kind: 'all-lost' },
      { kind: 'stop', code: 'instance.duplicate' },
    ])
  })

  test('of an earlier one: nothing', () => {
    const core = member()
    const before: GroupMembership = { ...core.current! }
    expect(core.evicted(before, codes.UNKNOWN_MEMBER_ID)).toEqual([])
    expect(core.rejoin(before)).toEqual([])
  })

  test('an assignment that did not come: joins again under the same id', () => {
    const core = member()
    expect(core.rejoin(core.current!)).toEqual([{ kind: 'join', memberId: 'm-1', delayMs: 0 }])
  })
})

describe('leaving', () => {
  test('a member says so, and hears nothing more', () => {
    const core = member()
    const membership = core.current!
    expect(core.leave()).toEqual([{ kind: 'leave', membership }])
    expect(core.leave()).toEqual([])
    expect(core.heartbeatAnswered(membership, codes.REBALANCE_IN_PROGRESS)).toEqual([])
    expect(core.joinAnswered(joined())).toEqual([])
    expect(core.syncAnswered(0, assignment)).toEqual([])
  })

  test('one that was never in has nobody to tell', () => {
    expect(member('out').leave()).toEqual([])
  })

  test('one between JoinGroup and SyncGroup names the id it was given', () => {
    expect(member('syncing').leave()).toMatchObject([{ kind: 'leave', membership: { memberId: 'm-1' } }])
  })
})

describe('facts in the protocol’s user data', () => {
  test('of a member', () => {
    const owned = {
      membership: { memberId: 'm', generation: 9, instanceId: null },
      tasks: new Set([3, 1]),
      transactionalIds: new Set<string>(),
    }
    expect(decodeMemberFacts(encodeMemberFacts('app-1', owned))).toEqual({
      transactionalId: 'app-1',
      generation: 9,
      tasks: [3, 1],
    })
    expect(decodeMemberFacts(encodeMemberFacts('app-1', null))).toEqual({
      transactionalId: 'app-1',
      generation: -1,
      tasks: [],
    })
  })

  test.each([null, '', 'nothing', '[]', '{"generation":"9","tasks":7}', '{"tasks":["1",null,2.5]}'])(
    'unreadable ones claim nothing: %j',
    (text) => {
      expect(decodeMemberFacts(text === null ? null : Buffer.from(text))).toEqual({
        transactionalId: '',
        generation: -1,
        tasks: [],
      })
    },
  )

  test('of an assignment', () => {
    const facts = { tasks: [1, 2], transactionalIds: ['a', 'b'], stride: 4 }
    expect(decodeAssignmentFacts(encodeAssignmentFacts(facts))).toEqual(facts)
    const { stride, ...earlier } = facts
    expect(decodeAssignmentFacts(Buffer.from(JSON.stringify(earlier)))).toEqual({ ...facts, stride: null })
    const nothing = { tasks: [], transactionalIds: [], stride: null }
    expect(decodeAssignmentFacts(Buffer.from('{'))).toEqual(nothing)
    expect(decodeAssignmentFacts(null)).toEqual(nothing)
  })
})
