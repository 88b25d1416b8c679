/** Every scene, in the order in which they are run, and what CI runs of them. */
import { epochScene, frozenBrokerScene, killedBrokerScene } from './broker.ts'
import { crowdScene, pointsScene } from './crash.ts'
import { diskScene } from './disk.ts'
import { compactionScene, failoverScene } from './failover.ts'
import type { Fault, Scene, WorkloadName } from './fault.ts'
import { groupScene } from './group.ts'
import { compactedInputScene, inputScene } from './input.ts'
import { networkScene } from './network.ts'
import { operationsScene, ruinScenes } from './operations.ts'
import { redisScene } from './redis.ts'
import { replicasScene } from './replicas.ts'
import { securityScene } from './security.ts'
import { zombieScene } from './zombie.ts'

export const scenes: readonly Scene[] = [
  pointsScene,
  crowdScene,
  groupScene,
  networkScene,
  zombieScene,
  redisScene,
  failoverScene,
  epochScene,
  inputScene,
  frozenBrokerScene,
  operationsScene,
  ...ruinScenes,
  killedBrokerScene,
  replicasScene,
  compactionScene,
  compactedInputScene,
  securityScene,
  diskScene,
]

/** The faults of a scene that this workload has and that are asked for. */
export const faultsOf = (scene: Scene, workload: WorkloadName, only: RegExp): readonly Fault[] =>
  scene.faults.filter(
    (fault) => (fault.only ?? workload) === workload && (only.test(fault.name) || only.test(scene.name)),
  )
