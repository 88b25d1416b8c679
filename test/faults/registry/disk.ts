/** Disks that are full: small file systems in memory, which only root can mount. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../run/stage.ts'
import type { Fault, Scene } from './fault.ts'

const KAFKA_MIB = 160
const REDIS_MIB = 24

async function cannotMount(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-mount-'))
  try {
    mount(folder, 1)
    unmount(folder)
    return ''
  } catch {
    return 'mounting a small file system needs root'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const mount = (folder: string, mebibytes: number): void => {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tributary-proof', folder], { stdio: 'ignore' })
}
const unmount = (folder: string): void => {
  execFileSync('umount', ['-l', folder], { stdio: 'ignore' })
}

/** Until nothing fits any more: the server writes meanwhile, so what is left is not known beforehand. */
function fill(folder: string): string {
  const ballast = join(folder, 'ballast')
  const file = openSync(ballast, 'w')
  try {
    for (const piece of [Buffer.alloc(1 << 20), Buffer.alloc(4_096)])
      try {
        for (;;) writeSync(file, piece)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
  } finally {
    closeSync(file)
  }
  return ballast
}

const full = (name: string, injects: string, by: string, inject: Fault['inject']): Fault => ({
  name,
  group: 'operations',
  injects,
  when: 'outputs flow',
  expected: { kind: 'mended', by },
  inject,
})

const brokerDisk = (stage: Stage): string => join(stage.folder, 'kafka')
const redisDisk = (stage: Stage): string => join(stage.folder, 'redis')

export const diskScene: Scene = {
  name: 'full disks',
  cluster: 'bare',
  impossible: cannotMount,
  own: (folder) => {
    mount(join(folder, 'kafka'), KAFKA_MIB)
    mount(join(folder, 'redis'), REDIS_MIB)
    return {
      kafkaDataDir: join(folder, 'kafka'),
      redisDataDir: join(folder, 'redis'),
      kafka: {
        'log.index.size.max.bytes': '65536',
        'offsets.topic.segment.bytes': '1048576',
        'transaction.state.log.segment.bytes': '1048576',
      },
    }
  },
  release: (folder) => {
    for (const name of ['kafka', 'redis']) unmount(join(folder, name))
  },
  instances: 2,
  perSecond: 150,
  faults: [
    full('disk of Redis full', 'its file system filled while it appends', 'make room', async (stage) => {
      const before = stage.count('task recovering')
      const ballast = fill(redisDisk(stage))
      await stage.until(() => stage.count('task recovering') > before, 'a task cannot write', 120_000)
      await sleep(1_000)
      rmSync(ballast)
      return stage.count('task recovering') - before
    }),
    full(
      'disk of the broker full',
      'its file system filled until it ends',
      'make room, start the broker again',
      async (stage) => {
        const ended = stage.cluster.kafka.ended
        const ballast = fill(brokerDisk(stage))
        let reason = ''
        void ended.then((line) => {
          reason = line
        })
        await stage.until(() => reason !== '', 'the broker ends', 120_000)
        rmSync(ballast)
        await stage.cluster.kafka.restart()
        return 1
      },
    ),
  ],
}
