/** Rights that are taken away while the service runs, on a broker of its own that asks for them; and a feature finalized away. */
import { freePorts } from '../../../embedded/free-port.ts'
import { TOOLS } from '../harness/cluster.ts'
import type { Stage } from '../run/stage.ts'
import type { Fault, Scene } from './fault.ts'

const USER = 'service'
const SECRET = 'proof-secret'
const MECHANISM = 'org.apache.kafka.common.security.plain.PlainLoginModule'
/** Free when the scene is set up. */
const [port = 0, saslPort = 0, controllerPort = 0] = await freePorts(3)

type Resource = readonly [flag: '--topic' | '--group' | '--transactional-id', name: string]

/** Literal names of topics, prefixes of the others. */
const acl = (stage: Stage, change: '--add' | '--remove', ...resources: readonly Resource[]): Promise<string> =>
  stage.cluster.tool(
    TOOLS.acls,
    change,
    ...(change === '--remove' ? ['--force'] : []),
    '--allow-principal',
    `User:${USER}`,
    '--operation',
    'All',
    ...resources.flat(),
    ...(resources.every(([flag]) => flag === '--topic') ? [] : ['--resource-pattern-type', 'prefixed']),
  )

/** Taken away under load until it stops; given back, and started again. */
const revoked = (name: string, codes: readonly string[], resource: (stage: Stage) => Resource): Fault => ({
  name,
  group: 'operations',
  injects: 'kafka-acls --remove while it runs',
  when: 'outputs flow',
  expected: { kind: 'stops', code: codes.join('` or `'), by: '`kafka-acls --add`, restart' },
  only: 'notes',
  inject: async (stage) => {
    const service = stage.at(0)
    for (const code of codes) service.expected.add(code)
    await acl(stage, '--remove', resource(stage))
    const stopped = (): number => service.stopCodes.filter((c) => codes.includes(c)).length
    await stage.until(
      () => stopped() > 0,
      () => `it stops with ${codes}\n${service.tail(8)}`,
    )
    const hits = stopped()
    await acl(stage, '--add', resource(stage))
    if (service.running) await service.terminate()
    await (await stage.start(0)).ready
    return hits
  },
})

export const securityScene: Scene = {
  name: 'rights',
  cluster: 'bare',
  own: () => ({
    kafkaPort: port,
    kafka: {
      listeners: `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort},CONTROLLER://127.0.0.1:${controllerPort}`,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${MECHANISM} required user_${USER}="${SECRET}";`,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  }),
  instances: 1,
  perSecond: 150,
  async prepare(stage) {
    if (stage.app.name !== 'notes') return
    const { application } = stage
    stage.extra = {
      BOOTSTRAP_SERVERS: `127.0.0.1:${saslPort}`,
      KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: USER,
      KAFKA_SASL_PASSWORD: SECRET,
    }
    await acl(stage, '--add', ...[...stage.app.partitions.keys()].map((topic) => ['--topic', topic] as const))
    await acl(stage, '--add', ['--group', application], ['--transactional-id', application])
    await stage.cluster.tool(
      TOOLS.acls,
      '--add',
      '--allow-principal',
      `User:${USER}`,
      '--operation',
      'Describe',
      '--operation',
      'DescribeConfigs',
      '--cluster',
    )
  },
  faults: [
    revoked('ACL removed: writing an output topic', ['transaction.refused'], (s) => ['--topic', s.app.output]),
    // Whichever is asked first, the next fetch or the next commit of its offsets.
    revoked('ACL removed: reading an input topic', ['topic.refused', 'transaction.refused'], (s) => [
      '--topic',
      s.app.input,
    ]),
    revoked('ACL removed: the group', ['group.refused', 'transaction.refused'], (s) => ['--group', s.application]),
    revoked('ACL removed: the transactional id', ['transaction.refused'], (s) => ['--transactional-id', s.application]),
    {
      name: 'transaction.version downgraded',
      group: 'operations',
      injects: 'kafka-features downgrade --feature transaction.version=1',
      when: 'all instances have ended',
      expected: {
        kind: 'stops',
        code: 'kafka.transaction_version',
        by: '`kafka-features upgrade --feature transaction.version=2`',
      },
      only: 'notes',
      inject: async (stage) => {
        await stage.stopAll()
        await stage.cluster.tool(TOOLS.features, 'downgrade', '--feature', 'transaction.version=1')
        const hits = await stage.stopsWith('kafka.transaction_version')
        await stage.cluster.tool(TOOLS.features, 'upgrade', '--feature', 'transaction.version=2')
        await stage.startAll()
        return hits
      },
    },
  ],
}
