/**
 * Which Redis server to run: one of this machine, else the one inside a Maven artifact.
 * EMBEDDED_REDIS=maven chooses the artifact though the machine has a server: to try that way on such a machine.
 */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Progress, StackError } from './errors.ts'
import { onPath, outputOf } from './java.ts'
import { fetchArtifacts } from './maven-cache.ts'
import { readZipEntry } from './zip-entry.ts'

const ARTIFACT_VERSION = '1.4.3'
export const REDIS_CACHE = `embedded-redis-${ARTIFACT_VERSION}`
const BINARY = 'redis-server'

/**
 * Entries of the artifact per platform, best first. The 64-bit one for Linux is 6.2.11 (its name says 6.2.6) and needs
 * libssl 3; the 32-bit one is linked statically and runs where that is missing.
 */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['redis-server-6.2.6-v5-linux-amd64', 'redis-server-6.2.7-linux-386'],
  'linux-arm64': ['redis-server-6.2.7-linux-arm64'],
  'darwin-x64': ['redis-server-6.2.6-v5-darwin-amd64'],
  'darwin-arm64': ['redis-server-6.2.6-v5-darwin-arm64'],
}

/** A server program of this machine, or undefined; also undefined when the environment asks for the artifact. */
export function redisOnPath(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.EMBEDDED_REDIS === 'maven') return undefined
  return ['redis-server', 'valkey-server'].find((program) => onPath(program, env))
}

/** Whether the artifact has a server for this machine. */
export function redisInArtifact(): boolean {
  return platform() in ENTRIES
}

/** The program to run. Throws StackError `stack.unavailable`, `stack.download_failed`. */
export async function redisBinary(progress: Progress): Promise<string> {
  const local = redisOnPath()
  if (local) return local
  if (!redisInArtifact()) {
    throw new StackError(
      'stack.unavailable',
      `No Redis server for ${platform()}.`,
      'Install redis-server or valkey-server.',
    )
  }
  const folder = await fetchArtifacts(
    {
      name: `${REDIS_CACHE}-${platform()}`,
      title: `Redis ${ARTIFACT_VERSION} artifact`,
      artifacts: [`com.github.codemonstur:embedded-redis:${ARTIFACT_VERSION}`],
      transitive: false,
      prepare: unpack,
    },
    progress,
  )
  const binary = join(folder, BINARY)
  progress(
    `Redis: no redis-server or valkey-server on the PATH, so an old one (${(await versionOf(binary)) ?? '6.2'}) serves: good for a first look only`,
  )
  return binary
}

async function unpack(folder: string): Promise<void> {
  const libs = join(folder, 'libs')
  const jar = readdirSync(libs).find((name) => name.startsWith('embedded-redis-'))
  if (jar === undefined) throw new Error('the Redis artifact has no jar')
  const zip = readFileSync(join(libs, jar))
  const target = join(folder, BINARY)
  for (const name of ENTRIES[platform()] ?? []) {
    const content = readZipEntry(zip, name)
    if (content === undefined) continue
    writeFileSync(target, content)
    chmodSync(target, 0o755)
    if ((await versionOf(target)) !== undefined) {
      rmSync(libs, { recursive: true })
      return
    }
  }
  throw new StackError(
    'stack.unavailable',
    `The Redis server of the artifact does not run on this ${platform()} machine.`,
    'Install redis-server or valkey-server.',
  )
}

/** `Redis server v=6.2.11 sha=…` → 6.2.11; undefined when it does not run. */
async function versionOf(binary: string): Promise<string | undefined> {
  const output = await outputOf(binary, ['--version'])
  return output === undefined ? undefined : /v=(\S+)/.exec(output)?.[1]
}

function platform(): string {
  return `${process.platform}-${process.arch}`
}
