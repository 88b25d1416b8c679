/** What bundling leaves behind. */
import { expect, test } from 'vitest'
import { childrenOf, runModule, until } from '../embedded/support.ts'

test('bundles that are made at once and later are whole, and no process of esbuild lives on', async () => {
  const program = runModule(`
    import { bundle } from './console/bundle.ts'
    const both = await Promise.all([bundle(), bundle()])
    const all = [...both, await bundle()]
    console.log(all.every(({ script, style }) => script.length > 1_000 && style.length > 1_000))
    process.stdin.resume()
    setInterval(() => {}, 1_000)
  `)
  await until('it has bundled', () => program.stdout.includes('\n'))
  expect(program.stdout).toBe('true\n')
  await until('it has no child', async () => (await childrenOf(program.pid)).length === 0, 5_000)
})
