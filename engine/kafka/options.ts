/**
 * How to reach the cluster, and every time limit of the Kafka edge. Owns names and values, nothing that runs.
 */
import type { ConnectionOptions as TlsOptions } from 'node:tls'

export interface SaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}

export interface KafkaConnectionOptions {
  /** Comma-separated `host:port`; a port left out is 9092, an IPv6 address stands in brackets. */
  readonly bootstrapServers: string
  readonly clientId: string
  /** Present = TLS. Passed to `tls.connect`. */
  readonly tls?: TlsOptions
  readonly sasl?: SaslOptions
}

/** Connections that stood and were lost, of every client that shares it. */
export interface Losses {
  count: number
}

/** What the clients of one process have in common. */
export interface SharedOptions extends KafkaConnectionOptions {
  readonly losses: Losses
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** Opening a connection, TLS and SASL included. */
export const connectTimeoutMs = 3_000

/** From the call to the answer, connecting included. Heartbeats get two tries within the default session of 6 s. */
export const requestTimeoutsMs = {
  metadata: 5_000,
  findCoordinator: 5_000,
  apiVersions: 5_000,
  initProducerId: 5_000,
  txnOffsetCommit: 5_000,
  offsetCommit: 5_000,
  endTxn: 5_000,
  heartbeat: 2_000,
  leave: 2_000,
  offsetFetch: 5_000,
  listOffsets: 5_000,
  inspection: 5_000,
  configs: 10_000,
} as const

/** What the broker may take for CreateTopics and DeleteRecords; the request itself gets the answer grace on top. */
export const adminWaitMs = 25_000
/** How much later than a wait in the broker (JoinGroup, SyncGroup, Produce, admin) its answer may come. */
export const answerGraceMs = 3_000
/** How long after `maxWaitMs` a broker's Fetch answer may come before its partitions are answered without it. */
export const fetchGraceMs = 2_000

/** Metadata is asked at most this often, however many answers say that it is stale. */
export const metadataRefreshMinMs = 100
/** How long a caller waits for stale metadata to become fresh, before it goes on with what is known. */
export const metadataPatienceMs = 200
/** Requests in flight on one connection; no caller comes near it (the client would queue from its maxInflights on). */
export const inflightMax = 128

const defaultPort = 9092
const bootstrapServersMax = 64

/** A mistake in the options; `code` is stable, the message names the remedy. */
export class KafkaOptionsError extends Error {
  readonly code = 'config.bootstrap_servers'
  constructor(entry: string) {
    super(`"${entry}" is not a list of host:port; remedy: BOOTSTRAP_SERVERS=host:9092[,host:9092]`)
    this.name = 'KafkaOptionsError'
  }
}

/** @throws KafkaOptionsError for an empty list, a bad port or more than 64 entries. */
export function parseBootstrapServers(text: string): readonly BrokerAddress[] {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  if (entries.length === 0 || entries.length > bootstrapServersMax) throw new KafkaOptionsError(text)
  return entries.map((entry) => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+))(?::(\d{1,5}))?$/.exec(entry)
    const host = match?.[1] ?? match?.[2]
    const port = match?.[3] === undefined ? defaultPort : Number(match[3])
    if (!host || port < 1 || port > 65_535) throw new KafkaOptionsError(entry)
    return { host, port }
  })
}

export const addressOf = (broker: BrokerAddress): string => `${broker.host}:${broker.port}`
