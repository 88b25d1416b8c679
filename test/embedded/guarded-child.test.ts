import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { spawnGuarded } from '../../embedded/guarded-child.ts'
import { processAlive } from '../../scripts/file-lock.mjs'
import { childrenOf, folder, gone, guardOf, runModule, until } from './support.ts'

/** A parent that starts one `sleep`, prints its process id and waits. */
const parent = (options = '{}'): string => `
import { spawnGuarded } from './embedded/guarded-child.ts'
process.on('SIGINT', () => console.log('interrupted'))
const child = await spawnGuarded({ command: 'sleep', args: ['600'], ...${options} })
console.log(child.pid)
`

async function started(program: { stdout: string }): Promise<number> {
  await until('the parent has printed a process id', () => /^\d+\n/.test(program.stdout))
  return Number.parseInt(program.stdout, 10)
}

describe('a guarded child', () => {
  test('gives its exit code, its output, and 128 + signal', async () => {
    const failing = await spawnGuarded({ command: 'sh', args: ['-c', 'echo out; echo err >&2; exit 7'] })
    let output = ''
    failing.stdout?.on('data', (chunk) => {
      output += chunk
    })
    expect(await failing.exited).toEqual({ code: 7 })
    expect(output).toBe('out\n')
    const killed = await spawnGuarded({ command: 'sleep', args: ['600'] })
    killed.signal('SIGTERM')
    expect(await killed.exited).toEqual({ code: 143 })
    expect(killed.running).toBe(false)
    expect(await (await spawnGuarded({ command: 'no-such-program', args: [] })).exited).toEqual({ code: 127 })
  })

  test('leaves no guard behind when it ends', async () => {
    const child = await spawnGuarded({ command: 'sleep', args: ['600'] })
    const shell = await guardOf(child.pid)
    const group = await childrenOf(shell)
    expect(group).toContain(child.pid)
    expect(group).toHaveLength(2)
    child.signal('SIGKILL')
    await child.exited
    for (const pid of [shell, ...group]) await gone(pid)
  })

  test('arguments reach it unchanged', async () => {
    const odd = ['a b', '$(exit 3)', '`x`', '"', "'", '*', '']
    const child = await spawnGuarded({
      command: process.execPath,
      args: ['-p', 'JSON.stringify(process.argv.slice(1))', ...odd],
    })
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    await child.exited
    expect(JSON.parse(output)).toEqual(odd)
  })

  test('ends when its parent is killed by SIGKILL, and its folder is removed', async () => {
    const data = join(folder(), 'data')
    mkdirSync(join(data, 'inner'), { recursive: true })
    const program = runModule(parent(JSON.stringify({ removeWhenOrphaned: data })))
    const pid = await started(program)
    process.kill(program.pid, 'SIGKILL')
    await gone(pid)
    await until('the folder is removed', () => !existsSync(data))
  })

  test('ends also when it is stopped, and when the parent exits without a word', async () => {
    const killed = runModule(parent())
    const pid = await started(killed)
    process.kill(pid, 'SIGSTOP')
    process.kill(killed.pid, 'SIGKILL')
    await gone(pid)
    const leaving = runModule(`${parent()} process.exit(0)`)
    await leaving.exit
    await gone(await started(leaving))
  })

  test('ends when the shell that guards it was killed first', async () => {
    const program = runModule(parent())
    const pid = await started(program)
    process.kill(await guardOf(pid, program.pid), 'SIGKILL')
    expect(processAlive(pid)).toBe(true)
    process.kill(program.pid, 'SIGKILL')
    await gone(pid)
  })

  test('Ctrl-C reaches the parent alone', async () => {
    const program = runModule(parent(), {}, { detached: true })
    const pid = await started(program)
    process.kill(-program.pid, 'SIGINT')
    await until('the parent was interrupted', () => program.stdout.includes('interrupted'))
    expect(processAlive(pid)).toBe(true)
    process.kill(program.pid, 'SIGKILL')
    await gone(pid)
  })
})
