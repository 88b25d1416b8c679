/** Uses up the epochs of a transactional id but for a few, by a stock connection: aborting what never opened takes one each. */
import { Connection, endTxnV4, initProducerIdV5 } from '@platformatic/kafka'

/** A producer id has epochs up to 32,767; near the end the coordinator gives out another one. */
const EPOCHS_USED = 32_755
const TIMEOUT_MS = 5_000
const CONCURRENT_TRANSACTIONS = 51
const END_TXN = 26
const VERSION = 5

/** The producer id that is nearly used up. */
export async function useUpEpochs(port: number, transactionalId: string): Promise<bigint> {
  const connection = new Connection('proof-epochs')
  await connection.connect('127.0.0.1', port)
  try {
    let { producerId, producerEpoch } = await retried(() =>
      initProducerIdV5.api.async(connection, transactionalId, TIMEOUT_MS, -1n, -1),
    )
    const first = producerId
    while (producerId === first && producerEpoch < EPOCHS_USED) {
      ;({ producerId, producerEpoch } = await endTxn(connection, transactionalId, producerId, producerEpoch))
    }
    return producerId
  } finally {
    await connection.close()
  }
}

interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Version 5, which the client lacks: the request is that of version 4, the answer has the next identity. */
function endTxn(connection: Connection, id: string, producerId: bigint, epoch: number): Promise<Identity> {
  return new Promise((resolve, reject) => {
    connection.send(
      END_TXN,
      VERSION,
      () => endTxnV4.createRequest(id, producerId, epoch, false),
      (_correlation, _key, _version, reader) => {
        reader.readInt32() // throttle time
        const code = reader.readInt16()
        if (code === CONCURRENT_TRANSACTIONS) return { producerId, producerEpoch: epoch }
        if (code !== 0) throw new Error(`EndTxn of ${id}: code ${code}`)
        return { producerId: reader.readInt64(), producerEpoch: reader.readInt16() }
      },
      true,
      true,
      (error: Error | null, answer: Identity | undefined) => (error ? reject(error) : resolve(answer!)),
    )
  })
}

async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
