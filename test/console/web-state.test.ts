/** The state page: what is looked for, where it lies, what a change has changed; and the doctor's findings in order. */
import { describe, expect, test } from 'vitest'
import type { ChangeView } from '../../console/contract.ts'
import { areasOf, counted, linesOf } from '../../console/web/ui/health/findings.ts'
import { changedSpan, stepsOf } from '../../console/web/ui/state/history.ts'
import { noteKey, readCommand } from '../../console/web/ui/state/redis-key.ts'
import { isTenant, readSearch } from '../../console/web/ui/state/search.ts'
import { stateKey, taskKeys } from '../../stores/core/keys.ts'

const TENANT = '083839c6-c47c-42a6-9585-76492795d123'

describe('search', () => {
  test.each([
    ['7', 'characters', 7, null],
    [' #7 ', 'characters', 7, null],
    ['note 12', 'notes', 12, null],
    ['Character 12', 'characters', 12, null],
    [`${TENANT} 7`, 'characters', 7, TENANT],
    [`${TENANT.toUpperCase()}:7`, 'characters', 7, TENANT],
    [`/api/characters/7/notes?tenant=${TENANT}`, 'characters', 7, TENANT],
    [`http://127.0.0.1:8080/#/state/notes/12?tenant=${TENANT}`, 'notes', 12, TENANT],
    ['/api/characters/7/notes/12', 'notes', 12, null],
    [`{notes:3}:v0lb9hc8q9m7mkma2:notes:${TENANT}:7`, 'characters', 7, TENANT],
    [`redis-cli hget '{notes:3}:v0:notes:${TENANT}:7' 12`, 'characters', 7, TENANT],
    ['{"transactionId":"x","characterId":7,"body":{"noteId":12}}', 'notes', 12, null],
    ['{"characterId":"7","type":"CREATE"}', 'characters', 7, null],
    ['4294967295', 'characters', 4294967295, null],
    ['letter-7', 'characters', 7, null],
  ] as const)('%s', (text, kind, id, tenant) => {
    expect(readSearch(text, 'characters')).toEqual({ kind, id, tenant })
  })

  test.each(['', 'nothing', '4294967296', '12345678901', '-', '<b>', '-1', ' -7 ', 'id: -1', '{"characterId":-7}'])(
    '%j has no id',
    (text) => {
      expect(readSearch(text, 'characters')).toBeNull()
    },
  )

  test('the tenant that was typed counts unless the text has one', () => {
    expect(readSearch('7', 'notes', ` ${TENANT} `)).toEqual({ kind: 'notes', id: 7, tenant: TENANT })
    expect(readSearch(`7 ${TENANT}`, 'notes', 'f7a3c1de-0000-4abc-8def-1234567890ab')?.tenant).toBe(TENANT)
    expect([isTenant(TENANT), isTenant(`${TENANT}0`)]).toEqual([true, false])
  })
})

describe('where it lies', () => {
  test('the key is the one that the store has', () => {
    for (const application of ['notes', "it's $(mine)", 'ünü', '(a)*!']) {
      const own = stateKey(taskKeys(application, 3), '<version>', 'notes', `${TENANT}:7`)
      expect(noteKey(application, 3, TENANT, 7)).toBe(own)
    }
  })

  test('nothing in the command means anything to a shell but what is meant', () => {
    const command = readCommand('a\'b"$(c)`d`\\', 3, { tenantId: TENANT, characterId: 7, noteId: 12 })
    expect(command).toContain("hget '{a%27b%22%24%28c%29%60d%60%5C:3}:task' checkpoint")
    expect(command).toContain(`hget "{a%27b%22%24%28c%29%60d%60%5C:3}:$version:notes:${TENANT}:7" 12`)
  })
})

describe('history', () => {
  const note = (message: string) => ({ senderId: 9, message, flag: 0, time: '2026-03-01T00:00:00.000Z' })
  const change = (offset: number, of: ChangeView['note'], noteId = 4): ChangeView => ({
    tenantId: TENANT,
    characterId: 7,
    noteId,
    note: of,
    changelog: { topic: 'c', partition: 3, offset },
    batch: offset,
    at: null,
    cause: null,
    command: null,
  })
  const kinds = (changes: readonly ChangeView[], complete = true) => stepsOf(changes, complete).map(({ kind }) => kind)

  test('each change is told by what came before it, newest first', () => {
    const steps = stepsOf([change(5, note('c')), change(4, null), change(3, note('b')), change(2, note('a'))], true)
    expect(steps.map(({ kind }) => kind)).toEqual(['created', 'removed', 'changed', 'created'])
    expect(steps[2]!.fields).toEqual([{ field: 'message', before: 'a', after: 'b' }])
    expect(steps[1]!.fields).toHaveLength(4)
  })

  test('notes of one character are not mixed up', () => {
    expect(kinds([change(3, note('b'), 8), change(2, note('a'), 4), change(1, note('a'), 8)])).toEqual([
      'changed',
      'created',
      'created',
    ])
  })

  test('the oldest that is known was not made then where older ones may be gone', () => {
    expect(kinds([change(2, note('a')), change(1, note('a'))], false)).toEqual(['unchanged', 'earlier'])
  })

  test('of a text the part that differs, never half a character', () => {
    expect(changedSpan('at Henesys', 'at Ellinia now')).toEqual({
      head: 'at ',
      before: 'Henesys',
      after: 'Ellinia now',
      tail: '',
    })
    expect(changedSpan('aa', 'aaa')).toEqual({ head: 'aa', before: '', after: 'a', tail: '' })
    expect(changedSpan('x😀', 'x😁')).toEqual({ head: 'x', before: '😀', after: '😁', tail: '' })
  })
})

describe('health', () => {
  const finding = (check: string, state: 'ok' | 'warn' | 'fail' | 'skipped') => ({
    check,
    state,
    detail: '',
    remedy: null,
  })

  test('areas with what fails come first, and within one what fails', () => {
    const findings = [
      finding('node.version', 'ok'),
      finding('redis.role', 'ok'),
      finding('redis.policy', 'fail'),
      finding('clock.kafka', 'warn'),
    ]
    expect(areasOf(findings).map(({ name, worst, findings: of }) => [name, worst, of[0]!.check])).toEqual([
      ['redis', 'fail', 'redis.policy'],
      ['clock', 'warn', 'clock.kafka'],
      ['node', 'ok', 'node.version'],
    ])
    expect(counted(findings)).toEqual({ fail: 1, warn: 1, skipped: 0, ok: 2 })
  })

  test('a configuration is lines of names and values', () => {
    expect(linesOf({ A: 'x', B: 1, C: null, D: { E: [1], F: true } })).toEqual([
      ['A', 'x'],
      ['B', '1'],
      ['C', 'null'],
      ['D.E', '[1]'],
      ['D.F', 'true'],
    ])
  })
})
