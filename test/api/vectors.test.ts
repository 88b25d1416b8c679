/** The recorded conversations with their REST steps, through the whole engine, without sockets, broker and Redis. */
import { describe, expect, test } from 'vitest'
import type { OutputRecord } from '../contract/vectors.ts'
import { loadRestVectors, type Peer, type RestVector, runRestVector } from './rest-vectors.ts'
import { RestWorld } from './rest-world.ts'

const vectors = loadRestVectors()
const TOPICS = ['EVENT_TOPIC_NOTE_STATUS', 'COMMAND_TOPIC_SAGA']

function peerOf(rest: RestWorld, changed: (answer: string) => string = (text) => text): Peer {
  const outputs = async (): Promise<readonly OutputRecord[]> => {
    await rest.driver.drain()
    return TOPICS.flatMap((topic) => rest.driver.read(topic))
  }
  return {
    outputs,
    async send(records) {
      const partitions = rest.driver.plan.sources[0]!.partitions
      for (const record of records) await rest.driver.send({ ...record, partition: record.partition % partitions })
      return outputs()
    },
    async call({ method, path, headers, body }) {
      const { status, headers: answered, text } = await rest.send(method, `/api${path}`, { headers, body })
      return { status, headers: answered, text: changed(text) }
    },
  }
}

const tenantsOf = ({ tenants, file }: RestVector) =>
  Object.fromEntries(tenants.map((letter) => [letter, file.vars[letter]]))

describe('the recorded conversations with REST', () => {
  test('are all there', () => {
    expect(vectors.length).toBe(24)
    const steps = vectors.flatMap(({ file }) => file.steps).filter(({ op }: { op: string }) => op === 'rest')
    expect(steps).toHaveLength(64)
  })

  test.each(vectors)('$name: $about', async (vector) => {
    const rest = await RestWorld.start()
    expect(await runRestVector(vector, peerOf(rest), tenantsOf(vector))).toEqual([])
    expect(rest.problems).toEqual([])
  })

  test.each<[string, string, (text: string) => string]>([
    ['another message', 'rest_list', (text) => text.replace('"message":"a"', '"message":"b"')],
    ['another total', 'rest_list', (text) => text.replace('"total":3', '"total":4')],
    ['another link', 'rest_paging', (text) => text.replace('"next":"/api/notes?', '"next":"/api/note?')],
    [
      'another order',
      'rest_paging',
      (text) => text.replace(/(\{"type":"notes".*?\}\}),(\{"type":"notes".*?\}\})/, '$2,$1'),
    ],
    ['a time of another form', 'rest_patch', (text) => text.replace(/Z"/, '"')],
    ['a note too few', 'rest_delete_all', (text) => text.replace(/"data":\[.*?\],/, '"data":[],')],
  ])('would differ by %s (%s)', async (_, name, changed) => {
    const vector = vectors.find((one) => one.name === name)!
    const rest = await RestWorld.start()
    expect(await runRestVector(vector, peerOf(rest, changed), tenantsOf(vector))).not.toEqual([])
  })
})
