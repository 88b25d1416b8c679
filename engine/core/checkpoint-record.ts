/** The changelog's record of a batch's end, made of the plan and of what the state is as of. Pure. */
import { type CheckpointRecord, STATE_FORMAT } from '../../stores/core/changelog.ts'
import type { Plan } from './plan.ts'

/** `transactionalId`: of whom it is written by. */
export function checkpointRecord(
  { topology, clusterId, groupId, tasks, stride, sources, repartition }: Plan,
  { batch, positions, counters }: Pick<CheckpointRecord, 'batch' | 'positions' | 'counters'>,
  transactionalId: string,
): CheckpointRecord {
  return {
    stateFormat: STATE_FORMAT,
    batch,
    clusterId,
    groupId,
    tasks,
    stride,
    positions,
    topicIds: Object.fromEntries([...sources, repartition].map(({ topic, topicId }) => [topic, topicId])),
    counters,
    stores: Object.fromEntries(topology.stores.map(({ name, kind }) => [name, kind])),
    topology: topology.name,
    transactionalId,
  }
}
