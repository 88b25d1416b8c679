/** The ports that read: group and fetch. */
import { codes } from '../../engine/core/kafka-errors.ts'
import { position } from '../../engine/core/numbers.ts'
import type { FetchClient, FetchedPartition, FetchRequest, GroupClient } from '../../engine/ports.ts'
import type { Cluster } from './cluster.ts'
import type { Group } from './group.ts'
import type { Wire } from './wire.ts'

export function groupClientOf(group: Group, wire: Wire, groupId: string): GroupClient {
  return {
    groupId,
    join: (request) =>
      wire.carry(
        'join',
        () => group.join(request),
        (code) => ({
          code,
          memberId: request.memberId,
          generation: -1,
          leader: '',
          members: [],
          skipAssignment: false,
        }),
      ),
    sync: (request) =>
      wire.carry(
        'sync',
        () => group.sync(request),
        (code) => ({ code, assignment: Buffer.alloc(0) }),
      ),
    heartbeat: (membership) =>
      wire.carry(
        'heartbeat',
        () => group.heartbeat(membership),
        (code) => code,
      ),
    leave: (membership) =>
      wire.carry(
        'leave',
        () => group.leave(membership),
        (code) => code,
      ),
    offsets: (partitions, requireStable) =>
      wire.carry(
        'offsets',
        () => group.offsets.fetch(partitions, requireStable),
        (code) => ({ code, offsets: [] }),
      ),
    close: async () => {},
  }
}

export function fetchClientOf(
  cluster: Cluster,
  wire: Wire,
  known: ReadonlyMap<string, string> = new Map(),
): FetchClient {
  /** As given, else as first seen by this client: another topic of the same name is not read as if it were the old one. */
  const topicIds = new Map(known)
  const read = ({ topic, partition, position: asked, maxBytes }: FetchRequest, left: number): FetchedPartition => {
    const at = { topic, partition, asked }
    const nothing = {
      highWatermark: position(-1),
      lastStableOffset: position(-1),
      logStart: position(-1),
      aborted: [],
      records: Buffer.alloc(0),
    }
    const log = cluster.log(at)
    if (!log) return { ...at, ...nothing, code: codes.UNKNOWN_TOPIC_OR_PARTITION }
    const { topicId } = cluster.topics.get(topic)!.info
    if (!topicIds.has(topic)) topicIds.set(topic, topicId)
    if (topicIds.get(topic) !== topicId) return { ...at, ...nothing, code: codes.UNKNOWN_TOPIC_ID }
    if (!cluster.hasLeader(at)) return { ...at, ...nothing, code: codes.NOT_LEADER_OR_FOLLOWER }
    const ends = { highWatermark: log.end, lastStableOffset: log.lastStableOffset, logStart: log.start }
    if (asked < log.start || asked > log.end) return { ...at, ...nothing, code: codes.OFFSET_OUT_OF_RANGE }
    return { ...at, ...ends, code: 0, ...log.read(asked, Math.min(maxBytes, left)) }
  }
  return {
    fetch: (requests, { maxWaitMs, maxBytes }) =>
      wire.carry('fetch', async () => {
        const untilMs = cluster.clock.nowMs() + maxWaitMs
        for (;;) {
          let left = maxBytes
          const answers = requests.map((request) => {
            const answer = left > 0 ? read(request, left) : null
            left -= answer?.records.length ?? 0
            return answer
          })
          const answered = answers.filter((a) => a !== null)
          const waitMs = untilMs - cluster.clock.nowMs()
          if (waitMs <= 0 || answered.some((a) => a.code !== 0 || a.records.length > 0)) return answered
          await cluster.change(waitMs)
        }
      }),
    close: async () => {},
  }
}
