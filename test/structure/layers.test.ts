/** Imports point one way: topology ← stores/core ← engine/core ← engine ← api, and the clients stay at the edges. */
import { describe, expect, test } from 'vitest'
import { type Import, importsOf, programFiles } from './files.ts'

interface Layer {
  readonly files: RegExp
  /** What it may import of this repository, as values and as types. */
  readonly values: RegExp
  /** What it may import as types only. */
  readonly types?: RegExp
  /** Modules of others; `node:` ones too. */
  readonly modules: RegExp
}

const NODE = 'node:[a-z/_]+'
const none = /^$/

/** A file belongs to the first that matches; every file of the program belongs to one. */
const layers: Readonly<Record<string, Layer>> = {
  topology: { files: /^topology\//, values: /^topology\//, modules: /^(node:buffer|node:crypto|zod)$/ },
  'stores/core': {
    files: /^stores\/core\//,
    values: /^(stores\/core\/|topology\/|engine\/core\/numbers\.ts)/,
    types: /^stores\/ports\.ts/,
    modules: /^(node:buffer|node:crypto|zod)$/,
  },
  'engine/core': {
    files: /^engine\/core\//,
    values: /^(engine\/core\/|stores\/core\/|topology\/)/,
    types: /^(engine|stores)\/ports\.ts/,
    modules: /^(node:buffer|node:crypto)$/,
  },
  'engine/wire': {
    files: /^engine\/wire\//,
    values: /^engine\/(core|wire)\//,
    types: /^engine\/ports\.ts/,
    modules: /^(@node-rs\/crc32|@platformatic\/wasm-utils|node:zlib)$/,
  },
  'engine/kafka': {
    files: /^engine\/kafka\//,
    values: /^engine\/(core\/|kafka\/|wire\/|ports\.ts|clock\.ts)/,
    modules: new RegExp(`^(@platformatic/kafka|${NODE})$`),
  },
  engine: {
    files: /^engine\/[^/]+$/,
    values: /^(engine\/(core\/|wire\/|[^/]+$)|stores\/(core\/|ports\.ts)|topology\/)/,
    modules: /^node:crypto$/,
  },
  stores: {
    files: /^stores\//,
    values: /^(stores\/|engine\/(core\/|clock\.ts))/,
    types: /^topology\//,
    modules: new RegExp(`^(ioredis|redlock|${NODE})$`),
  },
  'subscribe/core': {
    files: /^subscribe\/core\//,
    values: /^(subscribe\/core\/|engine\/core\/|topology\/)/,
    modules: /^node:buffer$/,
  },
  subscribe: {
    files: /^subscribe\//,
    values:
      /^(subscribe\/|engine\/(core\/|wire\/|[^/]+$|kafka\/kafka\.ts)|stores\/(core\/|[^/]+$|redis\/stores\.ts)|topology\/)/,
    modules: new RegExp(`^${NODE}$`),
  },
  'console/web': {
    files: /^console\/web\//,
    values: /^console\/web\//,
    types: /^console\/contract\.ts/,
    modules: /^(preact|preact\/(hooks|compat)|uplot|uplot\/dist\/uPlot\.min\.css)$/,
  },
  console: {
    files: /^console\//,
    values: /^(console\/(?!web\/)|(api|operations|engine|stores|subscribe|topology)\/)/,
    modules: /^(?!@platformatic\/|ioredis|redlock|vitest)/,
  },
  api: {
    files: /^api\//,
    values: /^(api\/|subscribe\/(?!open\.ts)|engine\/(core\/|wire\/|[^/]+$)|stores\/(core\/|[^/]+$)|topology\/)/,
    modules: /^(?!@platformatic\/|ioredis|redlock|vitest)/,
  },
  'public entry': { files: /^index\.ts$/, values: /^(topology|subscribe)\//, modules: none },
  testing: {
    files: /^testing\//,
    values: /^(testing\/|engine\/(core\/|wire\/|[^/]+$)|stores\/(core\/|memory|[^/]+$)|topology\/)/,
    modules: /^(@node-rs\/crc32|node:crypto)$/,
  },
  embedded: {
    files: /^(embedded|scripts)\//,
    values: /^(embedded|scripts)\/|^test\/support\/summary-reporter\.ts$/,
    modules: new RegExp(`^(@platformatic/kafka|testcontainers|@testcontainers/[a-z]+|vitest/node|${NODE})$`),
  },
  operations: {
    files: /^operations\//,
    values: /^(operations|engine|stores|subscribe|topology)\//,
    modules: new RegExp(`^${NODE}$`),
  },
  cli: {
    files: /^cli\//,
    values: /^(cli|operations|engine|stores|subscribe|topology|embedded|api)\/|^(config|service-options)\.ts$/,
    modules: /^(?!@platformatic\/|ioredis|redlock|vitest)/,
  },
  composition: {
    files: /^(service|service-options|service-console|main|config)\.ts$/,
    values:
      /^(api|console|operations|engine|stores|subscribe|topology|embedded)\/|^(config|service|service-options|service-console)\.ts$/,
    modules: /^(?!@platformatic\/|ioredis|redlock|vitest)/,
  },
  outside: {
    files: /^(bench|demo|examples|types)\/|^vitest\.config\.ts$/,
    values: /^(?!test\/)/,
    modules: /^(?!ioredis|redlock)/,
  },
}

const layerOf = (file: string): Layer | undefined => Object.values(layers).find((layer) => layer.files.test(file))

function refused(file: string, layer: Layer): string[] {
  const allows = ({ target, local, typeOnly }: Import): boolean => {
    if (!local) return layer.modules.test(target)
    return layer.values.test(target) || (typeOnly && (layer.types ?? none).test(target))
  }
  return importsOf(file)
    .filter((imported) => !allows(imported))
    .map(({ target, typeOnly }) => `${file} imports ${target}${typeOnly ? ' (types)' : ''}`)
}

describe('layers', () => {
  test('every file of the program belongs to one', () => {
    expect(programFiles.length).toBeGreaterThan(150)
    expect(programFiles.filter((file) => layerOf(file) === undefined)).toEqual([])
  })

  test.each(Object.keys(layers))('%s imports only what lies below it', (name) => {
    const mine = programFiles.filter((file) => layerOf(file) === layers[name])
    expect(mine.length).toBeGreaterThan(0)
    expect(mine.flatMap((file) => refused(file, layers[name]!))).toEqual([])
  })

  test.each([
    ["import { a } from './b.ts'", false],
    ["import type { a } from './b.ts'", true],
    ["import { type a, type b } from './b.ts'", true],
    ["import { type a, b } from './b.ts'", false],
    ["import a, { type b } from './b.ts'", false],
    ["import {\n  a,\n  b,\n} from './b.ts'", false],
    ["export { a } from './b.ts'", false],
    ["export type { a } from './b.ts'", true],
    ["export * from './b.ts'", false],
    ["import './b.ts'", false],
    ["const b = await import('./b.ts')", false],
  ])('%j is seen', (text, typeOnly) => {
    expect(importsOf('engine/x.ts', text)).toEqual([{ target: 'engine/b.ts', local: true, typeOnly }])
  })
})
