/**
 * Random steps of several owners at one task's store, and of hands behind their backs: from one seed the same on every
 * place. Notes what each step is answered and all that lies in the store behind it; versions by the order in which they
 * were made.
 */
import type { Checkpoint, TaskStore } from '../../stores/ports.ts'
import { StoreForeign, StoreLost, StoreRefused } from '../../stores/ports.ts'
import { Random } from '../simulation/random.ts'
import { checkpointOf, note, ownerOf, total } from '../stores/layout-fixture.ts'
import { type Place, TASK } from './redis-places.ts'

export interface StoreLine {
  readonly step: string
  readonly answer: unknown
  readonly content: string
}

interface Owner {
  readonly name: string
  store: TaskStore | null
  /** Of the live version, and of the one that it is building. */
  version: string
  building: string
}

const KEYS = ['1', '2']
const FIELDS = ['1', '2', '3']

export async function playStore(place: Place, seed: number, steps: number): Promise<readonly StoreLine[]> {
  const random = new Random(seed)
  const lines: StoreLine[] = []
  const versions: string[] = []
  const owners = ['a', 'b'].map((name): Owner => ({ name, store: null, version: '', building: '' }))
  const readable = (text: string): string =>
    versions.reduce((known, version, i) => known.replaceAll(version, `version ${i + 1}`), text)

  async function say(step: string, work: Promise<unknown>): Promise<unknown> {
    let answer: unknown
    let value: unknown
    try {
      value = await place.run(work)
      answer = value
    } catch (error) {
      if (!(error instanceof StoreLost || error instanceof StoreRefused || error instanceof StoreForeign)) throw error
      answer = error instanceof StoreLost ? `lost: ${error.code}` : error.name
    }
    if (typeof value === 'string' && value !== 'swept' && !versions.includes(value)) versions.push(value)
    const entries = Object.entries(await place.content()).map(([key, held]) => readable(JSON.stringify([key, held])))
    const content = entries.sort().join('\n')
    lines.push({ step, answer: JSON.parse(readable(JSON.stringify(answer ?? null))), content })
    return value
  }

  let batch = 1
  for (let step = 0; step < steps; step++) {
    const owner = random.pick(owners)
    const { name, store } = owner
    const kind = random.below(100)
    const changes = Array.from({ length: random.below(6) }, () => {
      const json = random.chance(0.25) ? null : `{"n":${random.below(100)}}`
      return random.chance(0.2) ? total(random.pick(KEYS), json) : note(random.pick(KEYS), random.pick(FIELDS), json)
    })
    const live = (): Checkpoint => checkpointOf(++batch, owner.version)
    const key = random.pick(KEYS)
    const field = random.pick(FIELDS)
    const label = { ...ownerOf(`${name}-${step}`), ...(random.chance(0.08) ? { clusterId: 'another' } : {}) }
    const at = owner.version || owners.find((o) => o.version !== '')?.version || ''
    const failed = lines.at(-1)
    if (failed?.step.startsWith(`${name} `) && typeof failed.answer === 'string' && random.chance(0.7))
      owner.store = null
    if (!store || !owner.store || kind < 10) {
      await store?.close()
      owner.store = await place.run(place.factory.open(TASK))
      owner.building = ''
      const found = (await say(`${name} claims`, owner.store.claim(label))) as Checkpoint | null | undefined
      owner.version = found?.stateVersion ?? ''
    } else if (owner.version === '' || kind < 15) {
      owner.building = String((await say(`${name} begins a rebuild`, store.beginRebuild())) ?? '')
      await say(`${name} rebuilds`, store.replay(changes, null))
      if (random.chance(0.85)) {
        const before = owner.version
        if (owner.building !== '') owner.version = owner.building
        const switched = await settled(say(`${name} switches`, store.switchTo(live())), lines)
        if (!switched) owner.version = before
        owner.building = ''
      }
    } else if (kind < 40) await say(`${name} applies ${changes.length}`, store.apply(changes, live()))
    else if (kind < 46) await say(`${name} replays`, store.replay(changes, random.chance(0.5) ? live() : null))
    else if (kind < 66)
      await say(
        `${name} reads`,
        store.read([
          { kind: 'all', store: 'notes', key },
          { kind: 'entry', store: 'notes', key, field },
          { kind: 'entry', store: 'totals', key, field: null },
        ]),
      )
    else if (kind < 74) await say(`${name} sweeps`, sweepAll(store))
    else if (kind < 78) await say('FLUSHALL', place.flush())
    else if (kind < 82) await say('a dump is saved', place.save())
    else if (kind < 86) await say('the dump is restored', place.restore())
    else if (kind < 89) {
      await say('connections are killed', place.killConnections())
    } else if (kind < 92) {
      place.loseNextAnswer()
      await say(`${name} applies, the answer is lost`, store.apply(changes, live()))
      place.loseNone()
    } else if (kind < 95 && at !== '') {
      // The script of the next write stops there, half-way.
      const [what, text] = random.pick([
        [`${at}:notes:${key}`, 'a text where a hash should be'],
        [`${at}:by-tenant:tenant`, 'a text where a set should be'],
      ] as const)
      await say(`a wrong type: ${what.slice(at.length)}`, place.setText(what, text))
    } else if (kind < 96) await say('the task is a text', place.setText('task', 'no hash'))
    else if (kind < 98)
      await say(
        'the checkpoint is spoilt',
        place.setField('task', 'checkpoint', '{').catch(() => {}),
      )
    else await say('the task is gone', place.remove('task'))
  }
  for (const { store } of owners) await store?.close()
  return lines
}

async function sweepAll(store: TaskStore): Promise<string> {
  while (!(await store.sweep())) {
    // One page of keys is one step here and several there.
  }
  return 'swept'
}

async function settled(work: Promise<unknown>, lines: readonly StoreLine[]): Promise<boolean> {
  await work
  return lines.at(-1)!.answer === null
}
