/**
 * What the design builds on and somebody else decides, with the test that holds the pinned versions to it: traps of the
 * Kafka client (P) and of ioredis (I), and claims that were read in a source (D). Owns the list; claims.test.ts sees to
 * it that each has its test.
 */
export interface Claim {
  readonly id: string
  readonly claim: string
  /** How it was known before there was a test. */
  readonly known: 'reproduced' | 'source'
  readonly file: string
  /** The test's title begins so; by default with the id and a colon. */
  readonly title?: string
}

const CANARY = 'test/integration/kafka-canary.test.ts'
const SOURCE_CANARY = 'test/integration/kafka-source-canary.test.ts'
const REDIS = 'test/integration/redis-canary.test.ts'

const reproduced = (id: string, claim: string, file = CANARY): Claim => ({ id, claim, known: 'reproduced', file })
const read = (id: string, claim: string, file = SOURCE_CANARY): Claim => ({ id, claim, known: 'source', file })

export const claims: readonly Claim[] = [
  reproduced('P1', 'one aborted range per producer: of two aborted transactions in a fetch the first is delivered'),
  reproduced('P2', 'an abort marker in a later fetch: the aborted records are delivered'),
  reproduced('P3', 'the group reads offsets without requireStable'),
  reproduced('P4', 'of concurrent addOffset calls one is sent'),
  reproduced('P5', 'concurrent sends in a transaction tear it, and it commits'),
  reproduced('P6', 'InitProducerId sends (0, 0): a restart is fenced for ever'),
  reproduced('P7', 'after a failed send the next transaction is out of sequence'),
  reproduced('P8', 'cancel() forgets locally only'),
  reproduced('P9', 'CONCURRENT_TRANSACTIONS waits a second'),
  reproduced('P10', 'a partition beyond the count is taken modulo'),
  reproduced('P11', 'a rejoin rewinds the partitions that were kept'),
  reproduced('P12', 'an offset commit for a partition that the member does not own is accepted', SOURCE_CANARY),
  reproduced('P13', 'EndTxn v4: a late one is accepted inside the next transaction'),
  read('P14', 'the transaction timeout is the option timeout, 5 s by default'),
  reproduced('P15', 'PRODUCER_FENCED is not treated as a fence'),
  read('P16', 'out of range falls back to LATEST'),
  read('P17', 'group coordinator and generation are captured per message'),
  read('P18', 'the default partitioner is not the Java one', CANARY),
  read('P19', 'a control batch emptied by the log cleaner crashes the decoder'),
  read('P20', 'KIP-848: a generation id is used instead of the member epoch'),
  reproduced('P21', 'a parser that cuts with subarray gets no Buffer'),
  reproduced('P22', 'generation and member id are set at the JoinGroup answer'),
  reproduced('P23', 'after UNKNOWN_MEMBER_ID it rejoins silently under a new member id'),
  reproduced('I1', 'EXEC runs without its WATCH after a reconnection', REDIS),
  reproduced('I2', 'a MULTI whose reply was lost is sent again', REDIS),
  reproduced('I3', 'without resending a promise may never settle', REDIS),
  reproduced('I4', 'another EXEC on the connection clears the WATCH', REDIS),
  reproduced('I5', 'no rollback: after WRONGTYPE inside EXEC the rest is applied', REDIS),
  read('I6', 'errors carry the arguments of their command', REDIS),
  read('D1', 'the broker expires offsets of topics that nobody subscribes to'),
  { ...read('D2', 'a rejoin waits retryDelay, a second by default'), title: 'D2, D3:' },
  { ...read('D3', 'after three failed rejoins the consumer gives up'), title: 'D2, D3:' },
  read('D4', 'a revoking round of cooperative-sticky tells no group:join'),
]
