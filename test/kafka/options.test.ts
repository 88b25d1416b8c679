import { expect, test } from 'vitest'
import { KafkaOptionsError, parseBootstrapServers } from '../../engine/kafka/options.ts'

test.each([
  ['kafka:9093', [{ host: 'kafka', port: 9093 }]],
  ['kafka', [{ host: 'kafka', port: 9092 }]],
  [
    ' a:1 , b.c-d:2,',
    [
      { host: 'a', port: 1 },
      { host: 'b.c-d', port: 2 },
    ],
  ],
  [
    '[::1]:9094,10.0.0.1',
    [
      { host: '::1', port: 9094 },
      { host: '10.0.0.1', port: 9092 },
    ],
  ],
])('%s', (text, expected) => {
  expect(parseBootstrapServers(text)).toEqual(expected)
})

test.each(['', ' , ', 'kafka:0', 'kafka:65536', 'kafka:x', 'PLAINTEXT://kafka:9092', '::1:9092', 'a b:1', ':9092'])(
  '"%s" is refused with a code and a remedy',
  (text) => {
    expect(() => parseBootstrapServers(text)).toThrow(KafkaOptionsError)
    expect(() => parseBootstrapServers(text)).toThrow(/remedy/)
  },
)

test('more servers than any cluster has are refused', () => {
  expect(() => parseBootstrapServers(Array(65).fill('a:1').join())).toThrow(KafkaOptionsError)
})
