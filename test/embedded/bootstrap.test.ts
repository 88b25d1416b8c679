import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folder, type Program, root, run } from './support.ts'

interface Checkout {
  readonly path: string
  /** One line per run of the fake npm. */
  readonly calls: () => string[]
  start(node?: string): Program
}

/** A checkout with the real scripts, and a fake npm (and node, when given a version) on the PATH. */
function checkout({ npmExit = 0, nodeVersion = '26.0.0', own = '' } = {}): Checkout {
  const path = folder()
  for (const name of ['scripts', 'bin']) mkdirSync(join(path, name))
  for (const name of ['bootstrap.mjs', 'file-lock.mjs']) {
    copyFileSync(join(root, 'scripts', name), join(path, 'scripts', name))
  }
  writeFileSync(join(path, 'package-lock.json'), '{}')
  const script = (name: string, text: string): void => {
    writeFileSync(join(path, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(path, name), 0o755)
  }
  const ownNode = own && `printf '#!/bin/sh\\n${own}\\n' > node_modules/.bin/node; chmod +x node_modules/.bin/node`
  script(
    'bin/npm',
    `echo "$*" >> ${path}/calls
echo "added 3 packages"
mkdir -p node_modules/.bin
${ownNode}
[ ${npmExit} = 0 ] && echo {} > node_modules/.package-lock.json
exit ${npmExit}`,
  )
  script('bin/node', `echo v${nodeVersion}`)
  return {
    path,
    calls: () => (existsSync(join(path, 'calls')) ? readFileSync(join(path, 'calls'), 'utf8').trim().split('\n') : []),
    start: () => run([join(path, 'scripts/bootstrap.mjs')], { PATH: `${join(path, 'bin')}:/usr/bin:/bin` }),
  }
}

test('installs when node_modules is missing, once, and keeps stdout clean', async () => {
  const { start, calls } = checkout()
  const first = start()
  expect(await first.exit).toBe(0)
  expect(first.stdout).toBe('')
  expect(first.stderr).toContain('added 3 packages')
  expect(calls()).toHaveLength(1)
  expect(calls()[0]).toMatch(/^ci /)
  const second = start()
  expect(await second.exit).toBe(0)
  expect(second.stdout + second.stderr).toBe('')
  expect(calls()).toHaveLength(1)
})

test('installs again when package-lock.json is newer than the installation', async () => {
  const { path, start, calls } = checkout()
  expect(await start().exit).toBe(0)
  const hidden = join(path, 'node_modules/.package-lock.json')
  utimesSync(hidden, new Date(1_000), new Date(1_000))
  expect(await start().exit).toBe(0)
  expect(calls()).toHaveLength(2)
})

test('leaves a node_modules that is a symbolic link alone, and says so once', async () => {
  const { path, start, calls } = checkout()
  const elsewhere = folder()
  writeFileSync(join(elsewhere, 'kept'), '')
  symlinkSync(elsewhere, join(path, 'node_modules'))
  const lacking = start()
  expect(await lacking.exit).toBe(0)
  expect(lacking.stderr).toMatch(/^bootstrap: node_modules is a symbolic link .*\n$/)
  writeFileSync(join(elsewhere, '.package-lock.json'), '{}')
  const complete = start()
  expect(await complete.exit).toBe(0)
  expect(complete.stdout + complete.stderr).toBe('')
  expect(calls()).toEqual([])
  expect(existsSync(join(elsewhere, 'kept'))).toBe(true)
  expect(lstatSync(join(path, 'node_modules')).isSymbolicLink()).toBe(true)
})

test('two at once install once', async () => {
  const { start, calls } = checkout()
  const programs = [start(), start(), start()]
  expect(await Promise.all(programs.map(({ exit }) => exit))).toEqual([0, 0, 0])
  expect(calls()).toHaveLength(1)
})

test('takes over the lock of a process that died while it installed', async () => {
  const { path, start, calls } = checkout()
  const dead = run(['-e', 'console.log(require("os").hostname())'])
  await dead.exit
  writeFileSync(join(path, '.bootstrap.lock'), `${dead.pid} ${dead.stdout}`)
  expect(await start().exit).toBe(0)
  expect(calls()).toHaveLength(1)
  expect(existsSync(join(path, '.bootstrap.lock'))).toBe(false)
})

test('says so when npm fails, and leaves no lock', async () => {
  const { path, start } = checkout({ npmExit: 5 })
  const program = start()
  expect(await program.exit).toBe(1)
  expect(program.stderr).toContain('npm ci failed (exit code 5)')
  expect(existsSync(join(path, '.bootstrap.lock'))).toBe(false)
})

test.each([
  ['24.5.9', 1],
  ['20.19.0', 1],
  ['24.6.0', 0],
  ['25.0.0', 0],
  ['100.0.0', 0],
])('Node %s on the PATH: exit %i', async (nodeVersion, exit) => {
  const program = checkout({ nodeVersion }).start()
  expect(await program.exit).toBe(exit)
  const lines = program.stderr.split('\n').filter((line) => line.includes('24.6'))
  expect(lines).toHaveLength(exit)
  if (exit) expect(lines[0]).toContain(nodeVersion)
})

test('the Node below node_modules is the one that counts', async () => {
  expect(await checkout({ nodeVersion: '20.0.0', own: 'echo v26.1.0' }).start().exit).toBe(0)
  const broken = checkout({ nodeVersion: '26.0.0', own: 'exit 127' }).start()
  expect(await broken.exit).toBe(1)
  expect(broken.stderr).toContain('does not run on this system')
})

test('uses nothing that Node 16 lacks and nothing that must be installed', () => {
  for (const name of ['bootstrap.mjs', 'file-lock.mjs']) {
    const text = readFileSync(join(root, 'scripts', name), 'utf8')
    const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from!)
    expect(imports.length).toBeGreaterThan(1)
    for (const from of imports) expect(from).toMatch(/^node:|^\.\//)
    expect(text).not.toMatch(
      /Promise\.withResolvers|import\.meta\.(dirname|filename)|\.toSorted\(|\.at\(|Object\.groupBy/,
    )
  }
})
