/** The commands that remedies name are ones that the command line has. What they do: test/integration/remedies.test.ts. */
import { expect, test } from 'vitest'
import { runCli } from '../../cli/run.ts'
import { stopCodes } from '../../engine/core/stop-codes.ts'
import { read } from '../docs/pages.ts'
import { commandsIn, namedCommands, wordsOf } from '../support/remedies.ts'

const SAMPLE = { topic: 'COMMAND_TOPIC_NOTE', partition: 0, offset: 124 }

/** Parsed by the real tree; it gets as far as the addresses, which are not set. */
async function parse(words: readonly string[]): Promise<{ exit: number; err: string }> {
  let err = ''
  const io = { env: {}, out: () => {}, err: (text: string) => void (err += text), runningStack: () => null }
  return { exit: await runCli(words, io), err }
}
const PARSED = { exit: 2, err: expect.stringMatching(/^address\.missing: /) }

test('every mention of a command in a remedy is one that is found', () => {
  const mentions = Object.values(stopCodes).flatMap(({ remedy }) => remedy.match(/\btributary [a-z]/g) ?? [])
  expect(namedCommands.length).toBeGreaterThan(8)
  expect(mentions).toHaveLength(namedCommands.length)
})

test.each(namedCommands.map(({ code, text }) => [code, text]))('%s: tributary %s', async (_, text) => {
  expect(await parse(wordsOf(text, SAMPLE))).toEqual(PARSED)
  expect(text).toMatch(/ --execute$/)
})

test('a mistake in one would be noticed', async () => {
  for (const text of ['offsets skipp --execute', 'offsets skip --exec', 'offsets skip --to 0@1 --execute'])
    expect(await parse(wordsOf(text)), text).not.toEqual(PARSED)
  expect(commandsIn('a `tributary x --execute` b `tributary y z`')).toEqual(['x --execute', 'y z'])
  expect(() => wordsOf('a <unknown>', SAMPLE)).toThrow('<unknown>')
})

test('the commands that the doctor names parse, too', async () => {
  const sources = ['operations/doctor.ts', 'operations/core/doctor.ts'].map(read).join('\n')
  const named = [...sources.matchAll(/\btributary ([a-z][a-z-]*(?: (?:--)?[a-z-]+)*)/g)].map(([, text = '']) => text)
  expect(named.length).toBeGreaterThan(2)
  for (const text of named) {
    // Words of the sentence follow the command: as many as make one that parses.
    const words = text.split(' ')
    const tries = await Promise.all(words.map((_, i) => parse(words.slice(0, i + 1))))
    expect(tries, text).toContainEqual(PARSED)
  }
})
