/** Stop codes are one closed list: nothing stops with another, and each is in use. What docs/errors.md says of them: test/docs. */
import { describe, expect, test } from 'vitest'
import { stopCodes } from '../../engine/core/stop-codes.ts'
import { programFiles, read } from './files.ts'

/** Every place in the program where something stops with a code that is written there. */
const STOPS = /(?:stopped\(|\bstop\(|#stop\(|new StartError\(|kind: 'stop',\s*code: )\s*'([^']+)'/g

describe('stop codes', () => {
  test('are named area.reason and carry a meaning and a remedy', () => {
    for (const [code, { meaning, remedy }] of Object.entries(stopCodes)) {
      expect(code).toMatch(/^[a-z]+\.[a-z_]+$/)
      expect(meaning.length, code).toBeGreaterThan(10)
      expect(remedy.length, code).toBeGreaterThan(10)
    }
  })

  test('are the only ones with which anything stops', () => {
    const files = programFiles.filter((file) => /^(engine|service|stores|api)/.test(file))
    const named = files.flatMap((file) => [...read(file).matchAll(STOPS)].map(([, code]) => code!))
    expect(named.length).toBeGreaterThan(15)
    expect([...new Set(named)].filter((code) => !(code in stopCodes))).toEqual([])
  })

  test('are all in use', () => {
    const texts = programFiles.filter((file) => file !== 'engine/core/stop-codes.ts').map(read)
    expect(Object.keys(stopCodes).filter((code) => !texts.some((text) => text.includes(`'${code}'`)))).toEqual([])
  })
})
