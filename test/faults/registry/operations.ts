/** What operators do, or somebody does to them: each stops loudly with a code, and the command that mends it is really run. */
import { TOOLS } from '../harness/cluster.ts'
import type { Stage } from '../run/stage.ts'
import { type Fault, nothingLost, type Scene } from './fault.ts'

const operations = (
  name: string,
  injects: string,
  expected: Fault['expected'],
  inject: Fault['inject'],
  only?: Fault['only'],
): Fault => ({
  name,
  group: 'operations',
  injects,
  when: expected.kind === 'stops' ? 'all instances have ended' : 'outputs flow',
  expected,
  ...(only ? { only } : {}),
  inject,
})

const stops = (code: string, by: string): Fault['expected'] => ({ kind: 'stops', code, by })

/** Stopped, harmed, started: it stops with the code. Mended and started again. */
const stopping =
  (
    code: string,
    harm: (stage: Stage) => Promise<unknown>,
    mend: (stage: Stage) => Promise<unknown>,
    environment: Readonly<Record<string, string>> = {},
  ) =>
  async (stage: Stage): Promise<number> => {
    await stage.stopAll()
    await harm(stage)
    const hits = await stage.stopsWith(code, environment)
    await mend(stage)
    await stage.startAll()
    return hits
  }

async function tributary(stage: Stage, ...args: readonly string[]): Promise<void> {
  const { code, output } = await stage.notes.tributary(...args)
  if (code !== 0) throw new Error(`tributary ${args.join(' ')}: exit code ${code}: ${output}`)
}

const alter = (stage: Stage, topic: string, change: string, value: string): Promise<string> =>
  stage.cluster.tool(TOOLS.configs, '--alter', '--entity-type', 'topics', '--entity-name', topic, change, value)

const nothing = async (): Promise<void> => {}

export const operationsScene: Scene = {
  name: 'operations',
  cluster: 'bare',
  instances: 2,
  perSecond: 200,
  faults: [
    operations(
      'offsets reset behind our back',
      'kafka-consumer-groups --reset-offsets --to-earliest',
      stops('offsets.mismatch', '`tributary offsets restore --execute`'),
      stopping(
        'offsets.mismatch',
        (s) =>
          s.cluster.tool(
            TOOLS.groups,
            '--group',
            s.application,
            '--reset-offsets',
            '--to-earliest',
            '--topic',
            s.app.input,
            '--execute',
          ),
        (s) => tributary(s, 'offsets', 'restore', '--execute'),
      ),
      'notes',
    ),
    operations(
      'group deleted, its offsets gone',
      'kafka-consumer-groups --delete',
      stops('offsets.missing', '`tributary offsets restore --execute`'),
      stopping(
        'offsets.missing',
        (s) => s.cluster.tool(TOOLS.groups, '--group', s.application, '--delete'),
        (s) => tributary(s, 'offsets', 'restore', '--execute'),
      ),
      'notes',
    ),
    operations(
      'stride of note ids changed',
      'NOTE_ID_STRIDE=64',
      stops('stride.changed', 'leave NOTE_ID_STRIDE unset'),
      stopping('stride.changed', nothing, nothing, { NOTE_ID_STRIDE: '64' }),
      'notes',
    ),
    operations(
      'topology changed',
      'a version without one of the stores',
      stops('topology.incompatible', 'run the version that wrote the state'),
      stopping('topology.incompatible', nothing, nothing, { LEDGER_VERSION: 'other' }),
      'ledger',
    ),
    operations(
      'cleanup policy of the changelog changed',
      'kafka-configs cleanup.policy=delete',
      stops('topic.config', '`kafka-configs --alter` cleanup.policy=compact'),
      stopping(
        'topic.config',
        (s) => alter(s, s.app.internal.changelog, '--add-config', 'cleanup.policy=delete'),
        (s) => alter(s, s.app.internal.changelog, '--add-config', 'cleanup.policy=compact'),
      ),
    ),
    operations(
      'state of another cluster in Redis',
      'the cluster id in each checkpoint replaced',
      stops('state.foreign', '`DEL` of the keys {<app>:*}'),
      stopping(
        'state.foreign',
        async (s) => {
          for (let task = 0; task < s.app.tasks; task++) {
            const checkpoint = JSON.parse(String(await s.redis('HGET', s.taskKey(task), 'checkpoint')))
            const foreign = JSON.stringify({ ...checkpoint, clusterId: 'AAAAAAAAAAAAAAAAAAAAAA' })
            await s.redis('HSET', s.taskKey(task), 'checkpoint', foreign)
          }
        },
        (s) => s.cluster.withRedis(async (client) => client.del(await client.keys(`{${s.application}:*`))),
      ),
    ),
    operations(
      'Redis that may evict, at start',
      'CONFIG SET maxmemory-policy allkeys-lru',
      stops('redis.eviction_policy', '`CONFIG SET maxmemory-policy noeviction`'),
      stopping(
        'redis.eviction_policy',
        (s) => s.redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'),
        (s) => s.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction'),
      ),
    ),
    operations('clock jumps a day ahead', 'Date.now of one process', nothingLost, (s) => jumped(s, 0, 86_400_000)),
    operations('clock jumps an hour back', 'Date.now of one process', nothingLost, (s) => jumped(s, 1, -3_600_000)),
    operations(
      'input partitions added',
      'kafka-topics --alter --partitions 6, a rolling restart',
      nothingLost,
      async (stage) => {
        await stage.app.stopFeeding()
        await stage.cluster.tool(TOOLS.topics, '--alter', '--topic', stage.app.input, '--partitions', '6')
        stage.notes.widened(6)
        stage.startFeeding()
        for (const place of stage.services.keys()) {
          await stage.at(place).terminate()
          await (await stage.start(place)).ready
        }
        const taken = async (): Promise<number> => {
          const offsets = await stage.cluster.committedOffsets(stage.application)
          return [4, 5].reduce((sum, p) => sum + Math.max(0, offsets.get(`${stage.app.input}-${p}`) ?? 0), 0)
        }
        await stage.until(async () => (await taken()) > 20, 'records of the new partitions are taken')
        return taken()
      },
      'notes',
    ),
  ],
}

async function jumped(stage: Stage, place: number, shiftMs: number): Promise<number> {
  const service = stage.at(place)
  const before = service.count('preload')
  service.command({ shiftMs })
  await stage.until(() => service.count('preload') > before, 'the clock has jumped')
  await stage.flow(100)
  // So that a takeover is judged by that clock, too: its tasks move away and come back.
  await stage.redis('FLUSHALL')
  await stage.flow(100)
  return service.count('preload') - before
}

const RESET = 'reset of the application: internal topics, group and keys deleted'

/** Everything that the application keeps is gone, and what is fed from now on is processed by an empty one. */
async function reset(stage: Stage): Promise<void> {
  const { changelog, repartition, deadLetters } = stage.app.internal
  const internal = `(${[changelog, repartition, deadLetters].join('|')})`
  await stage.cluster.tool(TOOLS.topics, '--delete', '--if-exists', '--topic', internal)
  await stage.cluster.tool(TOOLS.groups, '--group', stage.application, '--delete').catch((error: unknown) => {
    if (!String(error).includes('GroupIdNotFound')) throw error
  })
  await stage.cluster.withRedis(async (client) => {
    const keys = await client.keys(`{${stage.application}:*`)
    if (keys.length > 0) await client.del(keys)
  })
  await stage.until(async () => {
    const topics = await stage.cluster.tool(TOOLS.topics, '--list')
    return !topics.includes(changelog) && !topics.includes(repartition)
  }, 'the topics are gone')
  stage.extra = { ...stage.extra, CREATE_TOPICS: 'true' }
}

const SKIP = '`tributary offsets skip --execute`'
const skip = (stage: Stage): Promise<void> => tributary(stage, 'offsets', 'skip', '--execute')

/** Each in a scene of its own: records are lost by what is done, so only the mending is judged. */
const ruined = (fault: Fault): Scene => ({
  name: fault.name,
  cluster: 'bare',
  instances: 1,
  perSecond: 150,
  judge: 'mended',
  faults: [fault],
})

export const ruinScenes: readonly Scene[] = [
  operations(
    'source topic deleted and created again',
    'kafka-topics --delete, --create',
    stops('topic.recreated', RESET),
    async (stage) => {
      await stage.app.stopFeeding()
      await stage.app.settled()
      const hits = await stopping(
        'topic.recreated',
        async (s) => {
          await s.cluster.tool(TOOLS.topics, '--delete', '--topic', s.app.input)
          const gone = async (): Promise<boolean> =>
            !(await s.cluster.tool(TOOLS.topics, '--list')).includes(s.app.input)
          await s.until(gone, 'the topic is gone')
          await s.cluster.tool(TOOLS.topics, '--create', '--topic', s.app.input, '--partitions', '4')
        },
        reset,
      )(stage)
      stage.startFeeding()
      return hits
    },
  ),
  operations(
    'internal partitions added',
    'kafka-topics --alter --partitions 8 of the changelog',
    stops('tasks.changed', `a new application: here ${RESET}`),
    stopping(
      'tasks.changed',
      (s) => s.cluster.tool(TOOLS.topics, '--alter', '--topic', s.app.internal.changelog, '--partitions', '8'),
      reset,
    ),
  ),
  operations(
    'repartition topic deleted',
    'kafka-topics --delete',
    stops('topic.internal_missing', SKIP),
    stopping(
      'topic.internal_missing',
      async (s) => {
        const { repartition } = s.app.internal
        await s.cluster.tool(TOOLS.topics, '--delete', '--topic', repartition)
        const gone = async (): Promise<boolean> => !(await s.cluster.tool(TOOLS.topics, '--list')).includes(repartition)
        await s.until(gone, 'the topic is gone')
      },
      skip,
    ),
    'notes',
  ),
  operations(
    'retention overtakes',
    'records that were not read yet deleted',
    stops('offset.out_of_range', SKIP),
    async (stage) => {
      await stage.stopAll()
      const before = await stage.cluster.committedOffsets(stage.application)
      await stage.until(async () => {
        const ends = await stage.cluster.admin((admin) =>
          admin.listOffsets({
            topics: [
              {
                name: stage.app.input,
                partitions: [0, 1, 2, 3].map((partitionIndex) => ({ partitionIndex, timestamp: -1n })),
              },
            ],
          }),
        )
        return ends[0]!.partitions.every(
          (p) => Number(p.offset) > (before.get(`${stage.app.input}-${p.partitionIndex}`) ?? 0) + 20,
        )
      }, 'input that is not read yet')
      const partitions = [0, 1, 2, 3].map((partition) => ({ topic: stage.app.input, partition, offset: -1 }))
      await stage.cluster.deleteRecords(partitions)
      const hits = await stage.stopsWith('offset.out_of_range')
      await skip(stage)
      await stage.startAll()
      return hits
    },
    'notes',
  ),
].map(ruined)
