/**
 * Faults by name, for random mixtures: each one is done and healed when its promise resolves, but for processes, which are
 * started again and may still be on their way.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { below, pick, type Random } from '../feed/random.ts'
import type { Application } from './application.ts'
import type { Cluster } from './cluster.ts'
import { type Kill, killAtRandom, killInTransaction, killNow } from './kills.ts'
import type { ServiceProcess } from './service-process.ts'
import { goBack } from './snapshot.ts'

export interface Fleet {
  readonly cluster: Cluster
  readonly scenario: Application
  readonly random: Random
  /** By place; a place keeps its environment, so also its instance id. */
  readonly services: ServiceProcess[]
  readonly environment: (place: number) => Readonly<Record<string, string>>
  readonly kills: Kill[]
}

export type Fault = (fleet: Fleet) => Promise<void>

async function again({ scenario, services, environment }: Fleet, place: number): Promise<void> {
  services[place] = await scenario.start(environment(place))
}

const place = ({ random, services }: Fleet): number => below(random, services.length)

async function killed(fleet: Fleet, at: number, how: (service: ServiceProcess) => Promise<Kill>): Promise<void> {
  fleet.kills.push(await how(fleet.services[at]!))
  await again(fleet, at)
}

/** SIGSTOP for a while; the process keeps all it knew. */
async function frozen(fleet: Fleet, ms: number): Promise<void> {
  const service = fleet.services[place(fleet)]!
  service.signal('SIGSTOP')
  await sleep(ms)
  service.signal('SIGCONT')
}

export const FAULTS = {
  'kill in a transaction': (f) =>
    killed(f, place(f), (s) => killInTransaction(f.cluster, f.scenario, s, f.random() < 0.7)),
  'kill at random': (f) => killed(f, place(f), (s) => killAtRandom(f.cluster, f.scenario, s, f.random, 1_500)),
  'kill twice': async (f) => {
    const at = place(f)
    await killed(f, at, (s) => killInTransaction(f.cluster, f.scenario, s))
    await killed(f, at, (s) => killAtRandom(f.cluster, f.scenario, s, f.random, 2_500))
  },
  'kill all': async (f) => {
    await f.cluster.transactions.untilOpen(f.scenario.transactionalIdPrefix, true, 3_000)
    for (const service of f.services) service.signal('SIGKILL')
    for (const at of f.services.keys()) await killed(f, at, (s) => killNow(f.cluster, f.scenario, s))
  },
  'stop in order': async (f) => {
    const at = place(f)
    await f.services[at]!.terminate()
    await again(f, at)
  },
  'freeze for less than the session': (f) => frozen(f, 300 + below(f.random, 4_000)),
  'freeze beyond the transaction timeout': (f) => frozen(f, 5_200),
  'freeze beyond the session': (f) => frozen(f, 7_000 + below(f.random, 3_000)),
  'freeze in a transaction beyond the session': async (f) => {
    await f.cluster.transactions.untilOpen(f.scenario.transactionalIdPrefix, f.random() < 0.5, 3_000)
    await frozen(f, 7_500)
  },
  'redis FLUSHALL': (f) => redis(f, ['FLUSHALL']),
  'redis CLIENT KILL': (f) => redis(f, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']),
  'redis loses a checkpoint': (f) =>
    redis(f, ['HDEL', `{${f.scenario.application}:${below(f.random, f.scenario.tasks)}}:task`, 'checkpoint']),
  'redis has a wrong type': (f) =>
    redis(f, ['SET', `{${f.scenario.application}:${below(f.random, f.scenario.tasks)}}:task`, 'nonsense']),
  'redis freezes': async (f) => {
    f.cluster.redis.pause()
    await sleep(200 + below(f.random, 4_500))
    f.cluster.redis.resume()
  },
  'redis is killed': async (f) => {
    await f.cluster.redis.kill()
    await sleep(below(f.random, 1_000))
    await f.cluster.redis.restart()
  },
  'redis is killed and empty': async (f) => {
    await f.cluster.redis.kill()
    await f.cluster.redis.restart({ empty: true })
  },
  'redis loses its connections every 100 ms': async (f) => {
    for (let i = 0; i < 20; i++) {
      await redis(f, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
      await sleep(100)
    }
  },
  'redis is full': async (f) => {
    await redis(f, ['CONFIG', 'SET', 'maxmemory', '1'])
    await sleep(500 + below(f.random, 1_500))
    await redis(f, ['CONFIG', 'SET', 'maxmemory', '0'])
  },
  'redis goes back in time': ({ cluster, scenario, random }) =>
    cluster.withRedis((client) => goBack(client, scenario.application, () => sleep(500 + below(random, 2_000)))),
  'broker freezes': async (f) => {
    f.cluster.kafka.pause()
    await sleep(pick(f.random, [300, 2_000, 8_000]))
    f.cluster.kafka.resume()
  },
  'broker is killed': async (f) => {
    await f.cluster.transactions.untilOpen(f.scenario.transactionalIdPrefix, f.random() < 0.5, 3_000)
    await f.cluster.kafka.kill()
    await f.cluster.kafka.restart()
  },
  'broker freezes and redis loses its connections': async (f) => {
    f.cluster.kafka.pause()
    await redis(f, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
    await sleep(below(f.random, 1_500))
    f.cluster.kafka.resume()
  },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

async function redis({ cluster }: Fleet, [command = '', ...rest]: readonly string[]): Promise<void> {
  await cluster.withRedis((client) => client.call(command, ...rest))
}
