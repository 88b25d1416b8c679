/** Who can reach the REST interface is decided before anything listens. */
import { describe, expect, test } from 'vitest'
import { ConfigError, maskedConfig, readConfig } from '../../config.ts'

describe('an address beyond loopback', () => {
  test.each(['0.0.0.0', '::', '192.168.1.5', 'notes.example', 'localhost.example'])('%s needs a token', (REST_HOST) => {
    expect(() => readConfig({ REST_HOST })).toThrow(ConfigError)
    expect(() => readConfig({ REST_HOST })).toThrow(/^REST_HOST: .*API_TOKEN/)
    expect(readConfig({ REST_HOST, API_TOKEN: 'secret' }).API_TOKEN).toBe('secret')
  })

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('%s needs none', (REST_HOST) => {
    expect(readConfig({ REST_HOST }).REST_HOST).toBe(REST_HOST)
  })
})

test('a token that no header can carry is refused, and none is shown', () => {
  expect(() => readConfig({ API_TOKEN: 'two words' })).toThrow(/^API_TOKEN: /)
  expect(JSON.stringify(maskedConfig(readConfig({ API_TOKEN: 'secret' })))).not.toContain('secret')
})

describe('what protects the connection to Kafka', () => {
  test.each([
    { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' },
    { KAFKA_SSL_CA: 'pem' },
    {
      KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'p',
      KAFKA_SSL_CA: 'pem',
    },
  ])('is not ignored silently: %j', (env) => {
    expect(() => readConfig(env)).toThrow(/KAFKA_S(ASL|SL)_\w+: not used with KAFKA_SECURITY_PROTOCOL=/)
  })

  test('is taken where the protocol uses it', () => {
    const sasl = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' }
    expect(readConfig({ ...sasl, KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_SSL_CA: 'pem' }).KAFKA_SSL_CA).toBe('pem')
    expect(readConfig({ KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA: 'pem' }).KAFKA_SSL_CA).toBe('pem')
  })
})
