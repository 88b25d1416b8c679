/** TLS and SASL options reach the socket; what is refused is told in words. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writer } from '@platformatic/kafka'
import { afterEach, describe, expect, test } from 'vitest'
import { connectKafka, type KafkaConnectionOptions } from '../../engine/kafka/kafka.ts'
import type { Kafka } from '../../engine/ports.ts'
import { type FakeAnswer, FakeBroker, type FakeRequest, type FakeTls, metadataAnswer } from './fake-broker.ts'

let broker: FakeBroker
let kafka: Kafka
afterEach(async () => {
  await kafka.close()
  await broker.stop()
})

function connect(options: Omit<KafkaConnectionOptions, 'bootstrapServers' | 'clientId'>, host = '127.0.0.1') {
  kafka = connectKafka({ bootstrapServers: `${host}:${broker.port}`, clientId: 'test', ...options })
  return kafka
}

const keys = { metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 }

describe('SASL PLAIN', () => {
  let token = ''
  const answer =
    (code: number) =>
    (request: FakeRequest): FakeAnswer => {
      switch (request.key) {
        case keys.apiVersions: // v1: code, array of (key, min, max), throttle time
          return Writer.create()
            .appendInt16(0)
            .appendInt32(1)
            .appendInt16(keys.saslAuthenticate)
            .appendInt16(0)
            .appendInt16(2)
            .appendInt32(0)
        case keys.saslHandshake:
          return Writer.create().appendInt16(0).appendInt32(1).appendString('PLAIN', false)
        case keys.saslAuthenticate:
          token = request.body.subarray(1, -1).toString()
          return Writer.create()
            .appendInt16(code)
            .appendString(code === 0 ? null : 'wrong password')
            .appendBytes(Buffer.alloc(0))
            .appendInt64(0n)
            .appendTaggedFields()
        default:
          return metadataAnswer([broker.port], [], [])
      }
    }
  const sasl = { mechanism: 'PLAIN', username: 'user', password: 'secret' } as const

  test('user name and password go to the broker before anything else', async () => {
    broker = await FakeBroker.start()
    broker.answer = answer(0)
    expect(await connect({ sasl }).admin.cluster()).toEqual({ clusterId: 'fake', brokers: 1 })
    expect(token).toBe('\0user\0secret')
    expect(broker.requests.at(-1)!.key).toBe(keys.metadata)
  })

  test('refused: lost, not sent, and the reason without the password', async () => {
    broker = await FakeBroker.start()
    broker.answer = answer(58)
    const error = (await connect({ sasl })
      .admin.cluster()
      .catch((error: unknown) => error)) as Error
    expect(error).toMatchObject({ name: 'RequestLost', sent: false })
    expect(error.message).toContain('SASL authentication failed')
    expect(error.message).not.toContain('secret')
  })
})

/** Made for the occasion, so that no key lies in the repository. */
function selfSigned(): FakeTls | null {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  try {
    execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } catch {
    return null
  } finally {
    rmSync(folder, { recursive: true })
  }
}
const tls = selfSigned()

describe.skipIf(tls === null)('TLS (skipped where there is no openssl to make a certificate)', () => {
  test.each(['127.0.0.1', 'localhost'])('to %s with the CA given', async (host) => {
    broker = await FakeBroker.start(tls!)
    broker.answer = () => metadataAnswer([broker.port], [], [])
    expect(await connect({ tls: { ca: tls!.cert } }, host).admin.cluster()).toMatchObject({ clusterId: 'fake' })
  })

  test('a certificate that nobody vouches for: lost, not sent, and why', async () => {
    broker = await FakeBroker.start(tls!)
    const error = await connect({ tls: {} })
      .admin.cluster()
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'RequestLost', sent: false })
    expect((error as Error).message).toMatch(/self.signed/i)
  })

  test('plain text to a broker that wants TLS: lost', async () => {
    broker = await FakeBroker.start(tls!)
    await expect(connect({}).admin.cluster()).rejects.toMatchObject({ name: 'RequestLost' })
  })
})
