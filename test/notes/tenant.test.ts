import { describe, expect, test } from 'vitest'
import type { HeaderEntry } from '../../topology/headers.ts'
import { tenantContext } from '../../topology/notes/tenant.ts'
import { headersOf, NoteService } from './note-service.ts'
import { command, create, TENANT_A, TENANT_B, tenantHeaders } from './records.ts'

const names = ['TENANT_ID', 'REGION', 'MAJOR_VERSION', 'MINOR_VERSION']
const without = (name: string): HeaderEntry[] => tenantHeaders().filter(([given]) => given !== name)
const codeWith = (headers: readonly HeaderEntry[]) => command(new NoteService(), create(1, 2), { headers }).deadLetter
const textOf = (headers: readonly HeaderEntry[]) => headers.map(([name, value]) => [name, value?.toString('hex')])

describe('the tenant of a record', () => {
  test('goes on to every output, and no other header does', () => {
    const headers: HeaderEntry[] = [...tenantHeaders(), ['other', Buffer.from('x')], ['request-id', Buffer.from('y')]]
    const { emitted } = command(new NoteService(), create(1, 2), { headers })
    expect(textOf(emitted[0]?.headers ?? [])).toEqual(textOf(tenantHeaders()))
  })

  test.each(names)('a record without %s is a dead letter', (name) => {
    const service = new NoteService()
    const { deadLetter, deadLetterMessage } = command(service, create(1, 2), { headers: without(name) })
    expect(deadLetter).toBe('headers.tenant_invalid')
    expect(deadLetterMessage).toContain(name)
    expect(service.counters.size).toBe(0)
  })

  test.each<[string, Buffer | null]>([
    ['TENANT_ID', null],
    ['TENANT_ID', Buffer.from('')],
    ['TENANT_ID', Buffer.from(TENANT_A.replaceAll('-', ''))],
    ['TENANT_ID', Buffer.from(`${TENANT_A.slice(0, 35)}g`)],
    ['TENANT_ID', Buffer.from(`${TENANT_A} `)],
    ['TENANT_ID', Buffer.from(TENANT_A.replaceAll('-', '_'))],
    ['REGION', null],
    ['REGION', Buffer.alloc(0)],
    ['REGION', Buffer.from([0xff])],
    ['MAJOR_VERSION', null],
    ['MAJOR_VERSION', Buffer.from('83.1')],
    ['MAJOR_VERSION', Buffer.from([83])],
    ['MINOR_VERSION', Buffer.from([0, 0, 1])],
    ['MINOR_VERSION', Buffer.alloc(0)],
  ])('a malformed %s is a dead letter', (name, value) => {
    expect(codeWith([...without(name), [name, value]])).toBe('headers.tenant_invalid')
  })

  test('names are case-sensitive', () => {
    expect(codeWith([...without('REGION'), ['Region', Buffer.from('GMS')]])).toBe('headers.tenant_invalid')
  })

  test('given twice: the last well-formed one counts', () => {
    const read = (more: HeaderEntry[]) => tenantContext.read(headersOf([...tenantHeaders(), ...more]))
    expect(read([['TENANT_ID', Buffer.from(TENANT_B)]]).id).toBe(TENANT_B)
    expect(read([['TENANT_ID', Buffer.from('broken')]]).id).toBe(TENANT_A)
    expect(read([['TENANT_ID', null]]).id).toBe(TENANT_A)
    const regions = read([
      ['REGION', Buffer.from('SEA')],
      ['REGION', Buffer.from([0xfe])],
    ])
    expect(textOf(regions.headers)[1]).toEqual(['REGION', Buffer.from('SEA').toString('hex')])
  })

  test('TENANT_ID is emitted in lower case and is one tenant in any case; the others stay as they came', () => {
    const service = new NoteService()
    const headers = tenantHeaders(TENANT_A.toUpperCase())
    const { emitted } = command(service, create(1, 2), { headers })
    expect(textOf(emitted[0]?.headers ?? [])).toEqual(textOf(tenantHeaders(TENANT_A)))
    expect(service.notesOf(TENANT_A, 1).size).toBe(1)
  })

  test('region and versions do not divide a tenant', () => {
    const service = new NoteService()
    command(service, create(1, 2))
    const headers = [...without('REGION'), ['REGION', Buffer.from('JMS')] as const]
    const { emitted } = command(service, { type: 'DISCARD', characterId: 1, body: { noteIds: [1] } }, { headers })
    expect(emitted[0]?.headers.find(([name]) => name === 'REGION')?.[1]?.toString()).toBe('JMS')
  })

  test('what is remembered is never another tenant, and holds no bytes of the record', () => {
    const first = tenantHeaders(TENANT_A)
    const remembered = tenantContext.read(headersOf(first))
    expect(tenantContext.read(headersOf(tenantHeaders(TENANT_A)))).toBe(remembered)
    for (const [, value] of first) value?.fill(0)
    expect(textOf(remembered.headers)).toEqual(textOf(tenantHeaders(TENANT_A)))
    for (let i = 0; i < 40; i++) {
      const id = `${String(i % 12).padStart(8, '0')}${TENANT_A.slice(8)}`
      expect(tenantContext.read(headersOf(tenantHeaders(id))).id).toBe(id)
      expect(tenantContext.read(headersOf(tenantHeaders(TENANT_A))).id).toBe(TENANT_A)
    }
  })
})
