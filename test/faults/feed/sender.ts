/**
 * Sends messages by a stock client. Never sends one twice: when an answer is missing, whether it is in the log is unknown,
 * and the checker reads the log itself. Owns its client.
 */
import { Producer } from '@platformatic/kafka'
import type { Message } from './message.ts'

export class Sender {
  readonly #producer: Producer<Buffer, Buffer, Buffer, Buffer>
  /** Batches whose answer is missing. */
  unknown = 0

  constructor(bootstrapServers: string) {
    this.#producer = new Producer({
      clientId: 'proof-feed',
      bootstrapBrokers: bootstrapServers.split(','),
      retries: 0,
      timeout: 5_000,
      acks: -1,
    })
  }

  /** False: not known whether they arrived. */
  async send(messages: readonly Message[]): Promise<boolean> {
    try {
      await this.#producer.send({
        messages: messages.map(({ topic, partition, key, value, headers, moreHeaders = [], timestampMs }) => ({
          topic,
          partition,
          ...(key === null ? {} : { key }),
          ...(value === null ? {} : { value }),
          headers: new Map(
            [...moreHeaders, ...Object.entries(headers)].map(([name, bytes]) => [Buffer.from(name), bytes]),
          ),
          timestamp: BigInt(timestampMs),
        })),
        repeatOnStaleMetadata: false,
      })
      return true
    } catch {
      this.unknown++
      return false
    }
  }

  async close(): Promise<void> {
    await this.#producer.close().catch(() => {})
  }
}
