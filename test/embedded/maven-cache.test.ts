import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folder, type Program, runModule, until } from './support.ts'

const FETCH = `
import { fetchArtifacts } from './embedded/maven-cache.ts'
try {
  console.log(await fetchArtifacts({ name: 'thing-1', title: 'Thing 1', artifacts: ['a.b:c:1'], transitive: true }, console.error))
} catch (error) {
  console.log(error.code, error.message)
}`

/** A cache and a fake mvn on the PATH that "downloads" one jar; each run of it adds a line to the trace. */
function setup(body = ''): { cache: string; trace: () => string; fetch: () => Program } {
  const dir = folder()
  const bin = join(dir, 'bin')
  mkdirSync(bin)
  const trace = join(dir, 'trace')
  writeFileSync(trace, '')
  writeFileSync(
    join(bin, 'mvn'),
    `#!/bin/sh
echo "run $*" >> ${trace}
for a in "$@"; do case $a in -DoutputDirectory=*) out=\${a#*=};; esac; done
echo "[INFO] Downloaded from somewhere: x/thing.jar (3 kB at 1 MB/s)"
${body}
sleep 0.2
echo content > "$out/thing.jar"
`,
  )
  chmodSync(join(bin, 'mvn'), 0o755)
  return {
    cache: join(dir, 'cache', 'tributary'),
    trace: () => readFileSync(trace, 'utf8'),
    fetch: () => runModule(FETCH, { XDG_CACHE_HOME: join(dir, 'cache'), PATH: `${bin}:/usr/bin:/bin` }),
  }
}

const runs = (trace: string): number => trace.split('\n').filter((line) => line.startsWith('run')).length

test('several processes fill an empty cache once, and it is there as a whole', async () => {
  const { cache, trace, fetch } = setup()
  const programs = [fetch(), fetch(), fetch()]
  await Promise.all(programs.map(({ exit }) => exit))
  for (const { stdout } of programs) expect(stdout).toBe(`${join(cache, 'thing-1')}\n`)
  expect(runs(trace())).toBe(1)
  expect(readdirSync(cache)).toEqual(['thing-1'])
  expect(readdirSync(join(cache, 'thing-1')).sort()).toEqual(['complete.json', 'libs', 'pom.xml'])
  expect(readFileSync(join(cache, 'thing-1/pom.xml'), 'utf8')).toContain(
    '<artifactId>c</artifactId><version>1</version>',
  )
  const again = fetch()
  await again.exit
  expect(again.stderr).toBe('')
  expect(runs(trace())).toBe(1)
})

test('a damaged cache is fetched again', async () => {
  const { cache, trace, fetch } = setup()
  await fetch().exit
  rmSync(join(cache, 'thing-1/libs/thing.jar'))
  const again = fetch()
  await again.exit
  expect(runs(trace())).toBe(2)
  expect(existsSync(join(cache, 'thing-1/libs/thing.jar'))).toBe(true)
})

test('a failed download says why, and leaves nothing', async () => {
  const { cache, fetch } = setup('echo "[ERROR] the network is down"; exit 1')
  const program = fetch()
  await program.exit
  expect(program.stdout).toMatch(/^stack\.download_failed Maven could not fetch Thing 1 \(exit code 1\)/)
  expect(program.stdout).toContain('the network is down')
  expect(readdirSync(cache)).toEqual([])
})

test('a fill that was killed is done again by the next one', async () => {
  const { cache, fetch } = setup(
    '[ -e once ] || { touch ../once; sleep 600; }'.replace('[ -e once ]', '[ -e ../once ]'),
  )
  const killed = fetch()
  await until('Maven hangs', () => existsSync(join(cache, 'once')))
  killed.process.kill('SIGKILL')
  await killed.exit
  const next = fetch()
  await next.exit
  expect(next.stdout).toBe(`${join(cache, 'thing-1')}\n`)
  expect(readdirSync(cache).filter((name) => name.startsWith('thing-1.'))).toEqual([])
})
