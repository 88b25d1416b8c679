/**
 * Every code with which a task, an instance or a start stops, with what it means and which command mends it.
 * docs/errors.md lists the same; a test keeps both together. Nothing is ever reset silently.
 */
export interface StopCode {
  readonly meaning: string
  readonly remedy: string
}

export const stopCodes = {
  // Starting
  'config.invalid': {
    meaning: 'An environment variable has an unusable value.',
    remedy: 'Each line names the variable and what it takes.',
  },
  'kafka.unreachable': {
    meaning: 'No broker of BOOTSTRAP_SERVERS answered.',
    remedy:
      'Check the address, the security settings and that the cluster is up; the service keeps trying for a while before it gives up.',
  },
  'kafka.transaction_version': {
    meaning:
      'The cluster has not finalized transaction.version 2, so a late EndTxn could end a later transaction (KIP-890).',
    remedy: 'kafka-features.sh --bootstrap-server … upgrade --feature transaction.version=2',
  },
  'redis.unreachable': { meaning: 'Redis did not answer at start.', remedy: 'Check REDIS_URL and that Redis is up.' },
  'redis.eviction_policy': {
    meaning: 'Redis may evict keys, and a read of an evicted key is a wrong answer.',
    remedy: 'CONFIG SET maxmemory-policy noeviction, and in redis.conf.',
  },
  'topic.missing': {
    meaning:
      'A topic of the topology does not exist: at a start with CREATE_TOPICS=false, or since it was deleted under a running service.',
    remedy: 'Create the topic, or start with CREATE_TOPICS=true.',
  },
  'topic.internal_missing': {
    meaning:
      'The changelog exists but the repartition topic does not: forwarded records may be lost. Or one of them was deleted under a running service.',
    remedy:
      'Finish a reset that was begun: `tributary reset --execute`. Else restore the topic from a backup; or, if it is the repartition topic, with the service stopped and knowing that what was forwarded and not processed yet is lost: `tributary offsets skip --execute` creates it and goes on with the state as it is.',
  },
  'topic.config': {
    meaning: 'An internal topic has a cleanup policy that loses state or records.',
    remedy: 'kafka-configs.sh --alter with the policy that the message names.',
  },
  'topic.create_failed': {
    meaning: 'The cluster refused to create a topic.',
    remedy: 'The message has the reason; create it by hand, or allow it.',
  },
  // One task
  'tasks.changed': {
    meaning:
      'The number of partitions of an internal topic differs from the number of tasks that the state was written with.',
    remedy: 'Internal topics must keep their partitions; move to a new APPLICATION_ID to change the number of tasks.',
  },
  'stride.changed': {
    meaning: 'NOTE_ID_STRIDE differs from the stride that ids are given with: an id could be given twice.',
    remedy: 'Set NOTE_ID_STRIDE to the number in the message, or leave it unset if it was unset at first start.',
  },
  'topic.recreated': {
    meaning:
      'A topic was deleted and created again: offsets of a source or an internal topic mean other records now, an output topic has fewer partitions.',
    remedy:
      'Restore the topic. Or, with the service stopped and knowing that what was in it is gone: `tributary offsets skip --execute` goes on at the start of the new one, with the state as it is; `tributary reset --execute` begins anew. Where it is an output topic, a restart is enough.',
  },
  'source.removed': {
    meaning:
      'The state was written with an input topic that this process does not read: it was renamed, or the topology has it no more, or not yet.',
    remedy:
      'Set the name of the topic back; where a newer version of the service runs beside this one, restart this one with it. Or, when the topic is to be left, with the service stopped and everything in it processed: `tributary offsets skip --execute` leaves it; a topic in its place is read from its start.',
  },
  'topic.refused': {
    meaning: 'The cluster does not allow this service to read the topic.',
    remedy: 'kafka-acls.sh --add --allow-principal … --operation Read --topic …',
  },
  'topology.incompatible': {
    meaning: 'The state has a store that the topology does not have, or of another kind.',
    remedy: 'Run the version that wrote the state, or start under a new APPLICATION_ID.',
  },
  'state.foreign': {
    meaning: 'Redis or the changelog holds state of another cluster or another changelog.',
    remedy:
      'Check BOOTSTRAP_SERVERS, REDIS_URL and APPLICATION_ID. If the changelog was deleted, or created again, with the service stopped: `tributary changelog rewrite --execute` writes it anew from the state in Redis. If the state is really obsolete, or a reset was begun, stop the service and begin anew: `tributary reset --execute`.',
  },
  'group.changed': {
    meaning:
      'The state was written by another consumer group: two groups with one APPLICATION_ID would process every record twice.',
    remedy:
      'Give each application an APPLICATION_ID of its own, or set KAFKA_CONSUMER_GROUP to the group in the message. To move to another group, with the service of the old one stopped for good: `tributary offsets restore --execute` writes the offsets and the name of the group; where that has nothing to do, there is no state yet, and `tributary reset --execute` begins anew.',
  },
  'state.format_newer': {
    meaning: 'The state was written by a newer version.',
    remedy: 'Run that version, or a later one.',
  },
  'changelog.foreign': {
    meaning: 'The changelog holds a record that this application does not write.',
    remedy:
      'Find who writes to it (kafka-console-consumer.sh); nobody else may. Then, with the service stopped: `tributary changelog rewrite --anyway --execute` writes the topic anew from the state in Redis.',
  },
  'changelog.corrupt': {
    meaning: 'The changelog cannot be decoded.',
    remedy:
      'kafka-dump-log.sh on the partition; restore the topic from a replica or backup. Or, where the state in Redis is whole, with the service stopped: `tributary changelog rewrite --anyway --execute` writes it anew from there.',
  },
  'changelog.cut': {
    meaning:
      'The changelog does not begin at offset 0: retention or DeleteRecords has taken records of it, and the state in Redis is not whole either, so it cannot be rebuilt.',
    remedy:
      'Set its cleanup.policy=compact. Restore the topic, or the Redis of before, from a backup. Or, with the service stopped and knowing that the state is gone: `tributary reset --execute` begins anew.',
  },
  'input.corrupt': {
    meaning: 'A source topic cannot be decoded.',
    remedy:
      'kafka-dump-log.sh on the partition tells where the next sound batch begins. Once the loss is accepted, with the service stopped: `tributary offsets skip --to <topic>-<partition>@<offset> --execute` goes on there.',
  },
  'offset.out_of_range': {
    meaning: 'The committed offset is outside the log: retention has overtaken the service, or the log was cut.',
    remedy:
      'Records are lost already. With the service stopped, `tributary offsets skip --execute` goes on with the first that is left, or at the end of a log that was cut, with the state as it is.',
  },
  'offsets.missing': {
    meaning: 'The changelog has state, the group has no offsets: they have expired or were deleted.',
    remedy: 'With the service stopped, `tributary offsets restore --execute` writes those of the changelog.',
  },
  'offsets.foreign': {
    meaning: 'The group has offsets, the changelog has no state: another service ran in this group before.',
    remedy:
      'With the service stopped, `tributary offsets adopt --execute` goes on from them with empty state; `tributary offsets earliest --execute` begins anew.',
  },
  'offsets.mismatch': {
    meaning: "The group's offsets are not those of the state: they were reset behind our back.",
    remedy: 'With the service stopped, `tributary offsets restore --execute` writes those of the changelog.',
  },
  'deadletter.refused': {
    meaning: 'The dead-letter topic refuses a record that another topic has refused.',
    remedy:
      'The message has the reason: let the dead-letter topic take what the sources take (kafka-configs.sh --alter), then restart.',
  },
  'transform.failed': {
    meaning: "A transform threw, and the topology says onTransformError: 'stop'.",
    remedy: 'Mend the transform; the record is read again.',
  },
  'redis.wrongtype': {
    meaning: 'A key of the state has a wrong type again after a rebuild: something else writes into our keys.',
    remedy: 'Find it (CLIENT LIST, MONITOR), give it other keys, restart.',
  },
  'redis.aborted': {
    meaning: 'Redis aborts our scripts again after a rebuild.',
    remedy: 'The message has the reason.',
  },
  'redis.noscript': {
    meaning: 'Redis forgets our scripts again after a rebuild (SCRIPT FLUSH in a loop).',
    remedy: 'Stop what flushes them.',
  },
  'redis.reply': {
    meaning: 'Redis answers what it should not, again after a rebuild.',
    remedy: 'Check that REDIS_URL is a Redis 6.2 or Valkey 7.2 server or later.',
  },
  // The whole instance
  'instance.duplicate': {
    meaning: 'Another process uses the same GROUP_INSTANCE_ID.',
    remedy: 'Give each process an id of its own (in Kubernetes: the pod name of a StatefulSet).',
  },
  'group.refused': {
    meaning: 'The group coordinator refuses this member.',
    remedy: 'The message has its code: an ACL on the group, or another kind of consumer in the same group.',
  },
  'transaction.refused': {
    meaning: 'The transaction coordinator or a topic refuses our writes.',
    remedy:
      'kafka-acls.sh: Write and Describe on the transactional id prefix, Write on every output and internal topic, Read on the group and on every source.',
  },
  'kafka.unknown_error': {
    meaning: 'The broker answered a code that this version does not know, twice.',
    remedy: 'Look the code up in the broker’s log; report it.',
  },
  'engine.defect': {
    meaning: 'A mistake in this program. Nothing uncertain was committed.',
    remedy: 'Report it with the log line; a restart takes the tasks over again.',
  },
} as const satisfies Record<string, StopCode>

export type StopCodeName = keyof typeof stopCodes

export const remedyOf = (code: string): string =>
  (stopCodes as Record<string, StopCode>)[code]?.remedy ?? 'See the message.'
