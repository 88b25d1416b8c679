/** Every kind of record that must become a dead letter, with the code that it must carry, and good ones that look bad. */
import { EXPECT_HEADER } from '../checker/causes.ts'
import { characterKey } from '../checker/murmur2.ts'
import { headersOf, type Message, TENANTS, traceOf } from './message.ts'

const command = (more: Record<string, unknown> = {}) => ({
  worldId: 0,
  channelId: 0,
  characterId: 11,
  type: 'CREATE',
  body: { senderId: 5, message: 'x', flag: 0 },
  ...more,
})
const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const body = (more: Record<string, unknown>): Buffer =>
  text(command({ body: { senderId: 5, message: 'x', flag: 0, ...more } }))

/** By code: values. */
const VALUES: Readonly<Record<string, readonly (Buffer | null)[]>> = {
  'value.empty': [null, Buffer.alloc(0)],
  'value.not_utf8': [Buffer.from('7b22fffe7d', 'hex'), Buffer.from('{"type":"CREATE","x":"\xc3"}', 'latin1')],
  'value.not_json': [
    Buffer.from('{"type":"CREATE"'),
    Buffer.from('not json'),
    Buffer.concat([Buffer.from('efbbbf', 'hex'), text(command())]),
    Buffer.from('{"type":"CREATE",}'),
    Buffer.from(' '),
    Buffer.from(`${JSON.stringify(command())}garbage`),
  ],
  'value.wrong_type': [
    Buffer.from('null'),
    Buffer.from('[]'),
    Buffer.from('"text"'),
    Buffer.from('7'),
    text({ ...command(), type: undefined }),
    text(command({ type: null })),
    text(command({ type: 7 })),
    text(command({ characterId: '11' })),
    text(command({ characterId: true })),
    text(command({ body: [] })),
    text(command({ body: 'x' })),
    text(command({ transactionId: 'no-uuid' })),
    text(command({ transactionId: 5 })),
    body({ message: 5 }),
    body({ senderId: {} }),
    text(command({ type: 'DISCARD', body: { noteIds: 5 } })),
    text(command({ type: 'DISCARD', body: { noteIds: ['1'] } })),
    text(command({ type: 'DISCARD', body: { noteIds: [null] } })),
  ],
  'value.out_of_range': [
    text(command({ characterId: -1 })),
    text(command({ characterId: 4_294_967_296 })),
    text(command({ characterId: 1.5 })),
    text(command({ worldId: 256 })),
    body({ flag: 256 }),
    body({ senderId: 1e300 }),
    text(command({ type: 'DISCARD', body: { noteIds: [1, 4_294_967_296] } })),
  ],
  'command.unknown_type': [
    text(command({ type: 'BURN' })),
    text(command({ type: '' })),
    text(command({ type: 'create' })),
    text(command({ type: '__proto__' })),
  ],
  'update.invalid': [
    text(command({ type: 'UPDATE', body: { noteId: 1, senderId: 0 } })),
    text(command({ type: 'UPDATE', body: { noteId: 1, message: '' } })),
  ],
}

const without = (name: string): Record<string, Buffer> => {
  const { [name]: _, ...rest } = headersOf(TENANTS[0], 'b'.repeat(32))
  return rest
}

/** `places` are the partitions, taken in turn: at home and off home. */
export function badInputs(topic: string, places: number, timestampMs: number): readonly Message[] {
  const messages: Message[] = []
  const add = (
    code: string,
    value: Buffer | null,
    headers = headersOf(TENANTS[0], 'b'.repeat(32)),
    key: Buffer | null = characterKey(11),
  ): void =>
    void messages.push({
      topic,
      partition: messages.length % places,
      key,
      value,
      headers: { ...headers, [EXPECT_HEADER]: Buffer.from(code) },
      timestampMs,
    })
  for (const [code, values] of Object.entries(VALUES)) for (const value of values) add(code, value)
  add('value.empty', null, undefined, null)
  for (const name of ['TENANT_ID', 'REGION', 'MAJOR_VERSION', 'MINOR_VERSION'])
    add('headers.tenant_invalid', text(command()), without(name))
  add('headers.tenant_invalid', text(command()), {})
  add('headers.tenant_invalid', text(command()), { ...without('TENANT_ID'), TENANT_ID: Buffer.from('083839c6') })
  add('headers.tenant_invalid', text(command()), { ...without('TENANT_ID'), tenant_id: Buffer.from(TENANTS[0]) })
  add('headers.tenant_invalid', text(command()), { ...without('REGION'), REGION: Buffer.alloc(0) })
  add('headers.tenant_invalid', text(command()), { ...without('MAJOR_VERSION'), MAJOR_VERSION: Buffer.from('83.1') })
  return messages
}

/** A CREATE whose event does not fit into a topic of that many bytes. */
export const tooLarge = (topic: string, partition: number, timestampMs: number, bytes: number): Message => ({
  topic,
  partition,
  key: characterKey(11),
  value: body({ message: 'ü'.repeat(bytes) }),
  headers: { ...headersOf(TENANTS[0], 'b'.repeat(32)), [EXPECT_HEADER]: Buffer.from('output.too_large') },
  timestampMs,
})

/** A CREATE whose event the broker refuses, because its time is too far ahead for the output topic. */
export const tooLate = (topic: string, partition: number, timestampMs: number): Message => ({
  topic,
  partition,
  key: characterKey(11),
  value: body({}),
  headers: { ...headersOf(TENANTS[0], 'b'.repeat(32)), [EXPECT_HEADER]: Buffer.from('output.refused') },
  timestampMs,
})

type Made = (topic: string, run: number, timestampMs: number) => readonly Message[]

const good = (topic: string, run: number, number: number, timestampMs: number, value: string): Message => ({
  topic,
  partition: number % 4,
  key: characterKey(11 + number),
  value: Buffer.from(value),
  headers: headersOf(TENANTS[0], traceOf(run, number)),
  timestampMs,
})
const createText = (number: number, more = ''): string =>
  `{"worldId":0,"channelId":0,"characterId":${11 + number},"type":"CREATE","body":{"senderId":5,"message":"s${number}","flag":0}${more}}`
const DEPTH = 20_000

/** Records that look bad and are good: each is a CREATE with an event of its own. */
export const strangeInputs = {
  deep: (topic, run, timestampMs) =>
    ['['.repeat(DEPTH) + ']'.repeat(DEPTH), `${'{"x":'.repeat(DEPTH)}0${'}'.repeat(DEPTH)}`].map((deep, i) =>
      good(topic, run, i, timestampMs, createText(i, `,"more":${deep}`)),
    ),
  proto: (topic, run, timestampMs) =>
    [
      ',"__proto__":{"type":"DELETE","characterId":9}',
      ',"constructor":{"prototype":{"characterId":9}}',
      ',"toString":"x","hasOwnProperty":1',
    ].map((more, i) => good(topic, run, i, timestampMs, createText(i, more))),
  duplicate: (topic, run, timestampMs) =>
    ['TENANT_ID', 'REGION', 'MAJOR_VERSION', 'MINOR_VERSION'].map((name, i) => ({
      ...good(topic, run, i, timestampMs, createText(i)),
      moreHeaders: [[name, Buffer.alloc(0)] as const, [name, Buffer.from([0xff])] as const],
    })),
} as const satisfies Record<string, Made>
