/** What holds for the repository as a whole: sizes, environment, versions, and nothing of the machine it was written on. */
import { homedir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { codeOf, files, programFiles, read } from './files.ts'

const LINES_MAX = 400
/** To be cut; no other may join them. */
const TEXT = /\.(tsx?|mts|mjs|js|json|md|ya?ml|sh|html|css|java|svg|txt)$|^(Dockerfile|\.[a-z]+ignore|\.ci\/.*)$/

describe('files', () => {
  test(`of the program are no longer than ${LINES_MAX} lines`, () => {
    const long = programFiles
      .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX)
    expect(long).toEqual([])
  })

  test('have kebab-case names', () => {
    const named = programFiles.map((file) => file.split('/').at(-1)!)
    expect(named.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*\.(tsx?|mts|mjs)$/.test(name))).toEqual([])
  })

  test('of the program begin by saying what they are', () => {
    expect(programFiles.filter((file) => !/^(#!.*\n)?\/\*\*/.test(read(file)))).toEqual([])
  })
})

describe('the environment', () => {
  const readers = /^(config\.ts|main\.ts|cli\/(context|main)\.ts|(embedded|scripts|bench|demo|examples)\/.*)$/

  test('is read in few places', () => {
    const others = programFiles.filter(
      (file) => !readers.test(file) && /\bprocess\s*\.\s*env\b/.test(codeOf(read(file))),
    )
    expect(others).toEqual([])
  })
})

describe('the machine it was written on', () => {
  const places = [
    /\/(home|Users)\/[a-z]/,
    /\/root\//,
    /\/work\//,
    /[a-z0-9-]\.npmjs\.org/,
    /https?:\/\/registry\./,
    /"resolved":/,
  ]

  test('leaves no trace', () => {
    const home = homedir()
    const traces = files
      .filter((file) => TEXT.test(file) && file !== 'test/structure/repository.test.ts')
      .flatMap((file) => {
        const text = read(file)
        return places
          .filter((place) => place.test(text))
          .map((place) => `${file}: ${place.source}`)
          .concat(home.length > 1 && text.includes(`${home}/`) ? [`${file}: ${home}`] : [])
      })
    expect(traces).toEqual([])
  })
})

describe('package.json', () => {
  const manifest: Record<string, Record<string, string>> = JSON.parse(read('package.json'))

  test.each(['dependencies', 'devDependencies', 'optionalDependencies'])('pins exact %s', (kind) => {
    const versions = Object.entries(manifest[kind] ?? {})
    expect(versions.length).toBeGreaterThan(0)
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))).toEqual([])
  })

  test('has what the lockfile has', () => {
    const locked = JSON.parse(read('package-lock.json')).packages[''] as Record<string, Record<string, string>>
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
      expect(locked[kind]).toEqual(manifest[kind])
  })

  test('names scripts that are there', () => {
    const started = Object.values(manifest.scripts ?? {}).flatMap((script) =>
      [...script.matchAll(/\bnode ([\w./-]+\.(?:ts|mjs))/g)].map(([, file]) => file!),
    )
    expect(started.length).toBeGreaterThan(3)
    expect(started.filter((file) => !files.includes(file))).toEqual([])
  })
})
