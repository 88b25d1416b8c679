import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folder, gone, type Program, root, run, until } from './support.ts'

/** npm → (shell →) program, as `npm run` has it; the program writes its process id, and "gone" when npm is. */
function underNpm(viaShell: boolean, lifecycle: string | undefined): { npm: Program; said: () => string[] } {
  const said = join(folder(), 'said')
  writeFileSync(said, '')
  const program = `
    import { onNpmGone } from '${root}/embedded/npm-parent.ts'
    import { appendFileSync } from 'node:fs'
    const say = (line) => appendFileSync('${said}', line + '\\n')
    onNpmGone(() => { say('gone'); process.exit() })
    say(process.pid)
    setInterval(() => say('still here'), 1_000)
    setTimeout(() => process.exit(), 60_000)`
  const command = viaShell
    ? `['sh', ['-c', '"$0" --input-type=module -e "$1"; true', process.execPath, program]]`
    : `[process.execPath, ['--input-type=module', '-e', program]]`
  const npm = run(
    [
      '--input-type=module',
      '-e',
      `import { spawn } from 'node:child_process'
    const program = process.env.PROGRAM
    spawn(...${command}, { stdio: 'inherit' })`,
    ],
    { PROGRAM: program, npm_lifecycle_event: lifecycle },
  )
  return { npm, said: () => readFileSync(said, 'utf8').trim().split('\n').filter(Boolean) }
}

test.each([
  ['in a shell', true],
  ['without a shell', false],
])('a program that npm started %s ends when npm is killed', async (_, viaShell) => {
  const { npm, said } = underNpm(viaShell, 'stack')
  await until('the program runs', () => said().length > 0)
  npm.process.kill('SIGKILL')
  await gone(Number(said()[0]))
  expect(said().at(-1)).toBe('gone')
})

test('a program that npm did not start goes on', async () => {
  const { npm, said } = underNpm(false, undefined)
  await until('the program runs', () => said().length > 0)
  npm.process.kill('SIGKILL')
  await gone(npm.pid)
  const before = said().length
  await until('it is still there after several checks', () => said().length > before + 1)
  expect(said()).not.toContain('gone')
  process.kill(Number(said()[0]), 'SIGKILL')
})
