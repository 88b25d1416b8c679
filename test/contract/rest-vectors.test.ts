/**
 * The writes of the recorded REST conversations, as the commands that they become: through the whole engine they cause the
 * records that were recorded, and an entry that tells how they are answered. Knows nothing of HTTP.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TopologyTestDriver } from '../../testing/topology-test-driver.ts'
import { characterKey } from '../../topology/notes/key.ts'
import { requestKey, requests } from '../../topology/notes/request.ts'
import { noteTopology } from '../../topology/notes/topology.ts'
import { ofType, requestHeader, requestId, tenantHeaders } from '../notes/records.ts'
import { type Ids, matchStep } from './meaning.ts'
import { COMMANDS, SAGAS, STATUS } from './notes.ts'
import type { InputRecord } from './vectors.ts'

interface Recorded {
  readonly key: string | null
  readonly headers: readonly (readonly [string, string])[]
  readonly value: { readonly text: string }
}

interface Step {
  readonly op: 'produce' | 'rest'
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path?: string
  readonly body?: string | null
  readonly headers: readonly (readonly [string, string])[]
  readonly value?: string | null
  readonly messages?: unknown
}

interface VectorFile {
  readonly name: string
  readonly vars: Readonly<Record<string, string | number>>
  readonly steps: readonly Step[]
  readonly out: readonly {
    readonly response?: { readonly status: number }
    readonly records: readonly (Recorded & { readonly topic: string })[]
  }[]
}

const folder = new URL('./vectors/', import.meta.url)
const vectors = readdirSync(folder)
  .map((name): VectorFile => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
  .filter(({ steps }) => steps.some(({ op, method }) => op === 'rest' && method !== 'GET'))

/** How the contract wants a write answered where it differs from what was recorded: created 201, unknown 404. */
const answerOf = (method: string, recorded: number): number =>
  recorded === 500 ? 404 : method === 'POST' && recorded === 200 ? 201 : recorded

interface Write {
  readonly characterId: number
  readonly value: object
}

/** `knows` false: the sender cannot say whose the note is. */
function writeOf(method: string, path: string, body: string | null | undefined, owner: number, knows: boolean): Write {
  const [, kind, id] = /^\/(notes|characters)(?:\/(\d+))?/.exec(path) ?? []
  const attributes = body ? JSON.parse(body).data.attributes : {}
  const { characterId: _, ...changes } = attributes
  if (method === 'POST') {
    const { characterId, ...content } = attributes
    return { characterId, value: ofType('CREATE', characterId, content) }
  }
  if (kind === 'characters') return { characterId: Number(id), value: ofType('DELETE', Number(id), { all: true }) }
  const characterId = knows ? owner : 0
  if (method === 'PATCH')
    return { characterId, value: ofType('UPDATE', characterId, { noteId: Number(id), ...changes }) }
  return { characterId, value: ofType('DELETE', characterId, { noteIds: [Number(id)] }) }
}

/** All notes in the recorded conversations are of this character, or are not written to. */
const OWNER = 1001

async function run(
  { vars, steps, out }: VectorFile,
  knows: boolean,
): Promise<[answers: unknown[], expected: unknown[]]> {
  const driver = await TopologyTestDriver.start(noteTopology)
  onTestFinished(() => driver.close())
  const { partitions } = driver.plan.sources[0]!
  const answers: unknown[] = []
  const expected: unknown[] = []
  let ids: Ids = new Map()
  for (const [number, step] of steps.entries()) {
    if (step.method === 'GET') continue
    const fill = (text: string): string =>
      text.replace(/\$\{(\w+)\}/g, (_, name) => String(ids.get(Number(vars[name])) ?? vars[name]))
    const tenantId = fill(step.headers.find(([name]) => name === 'TENANT_ID')?.[1] ?? '')
    const request = requestId(number)
    const write =
      step.op === 'rest' ? writeOf(step.method!, fill(step.path!), step.body && fill(step.body), OWNER, knows) : null
    const sent: InputRecord = {
      topic: COMMANDS,
      // Wherever it is written, it finds its way.
      partition: number % partitions,
      key: characterKey(write?.characterId ?? OWNER),
      headers: [...tenantHeaders(tenantId), ...(write ? [requestHeader(request)] : [])],
      value: Buffer.from(write ? JSON.stringify(write.value) : fill(step.value ?? '')),
    }
    await driver.send(sent)
    await driver.drain()
    const recorded = out[number]!
    const match = matchStep(
      {
        sent: [sent],
        expected: recorded.records.map(({ topic, key, headers, value }) => ({ topic, key, headers, text: value.text })),
        received: [STATUS, SAGAS].flatMap((topic) => driver.read(topic)),
      },
      { ids, tenants: new Map([[tenantId, tenantId]]), trace: true },
    )
    expect(match.differences).toEqual([])
    ids = match.ids
    if (!write) continue
    answers.push((await driver.state.value(requests, requestKey(tenantId, request)))?.status)
    expected.push(answerOf(step.method!, recorded.response!.status))
  }
  expect(driver.deadLetters()).toEqual([])
  return [answers, expected]
}

describe('the writes of the recorded REST conversations, as commands', () => {
  test('are there', () => {
    expect(vectors.map(({ name }) => name)).toEqual([
      'rest_delete_all',
      'rest_delete_one',
      'rest_patch',
      'rest_post',
      'tenants_isolated',
    ])
  })

  describe.each([true, false])('(the sender knows the character: %s)', (knows) => {
    test.each(vectors)('$name', async (vector) => {
      const [answers, expected] = await run(vector, knows)
      expect(answers).toEqual(expected)
      expect(answers.length).toBeGreaterThan(0)
    })
  })
})
