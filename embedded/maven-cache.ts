/**
 * Artifacts from Maven in the cache folder: fetched once, whole or not at all, by one process at a time.
 * Owns `<cache>/<name>/` with its marker, the lock beside it and the temporary folders it is filled in.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { takeLock } from '../scripts/file-lock.mjs'
import { cacheFolder, mavenHomeUsable } from './cache-folder.ts'
import { type Progress, StackError } from './errors.ts'
import { spawnGuarded } from './guarded-child.ts'

export interface ArtifactSet {
  /** Folder name in the cache; holds the version, so that another version is another folder. */
  readonly name: string
  /** For progress lines: `Kafka 4.3.1`. */
  readonly title: string
  /** `group:artifact:version` */
  readonly artifacts: readonly string[]
  /** Whether their runtime dependencies come along. */
  readonly transitive: boolean
  /** Runs in the temporary folder after the download, before it is moved into place; jars are in `libs/`. */
  readonly prepare?: (folder: string) => Promise<void>
}

/** Pinned, so that a machine's Maven does not decide which plugin runs. */
const COPY_GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const MARKER = 'complete.json'
/** Longest download we wait for, ours or another process's. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000
const PROGRESS_MS = 1_000
const ERROR_LINES = 4

/** The folder when it is complete, else undefined. Looks at files only. */
export function cachedArtifacts(name: string): string | undefined {
  const folder = join(cacheFolder(), name)
  return complete(folder) ? folder : undefined
}

/** The folder with `libs/*.jar`, fetched when needed. Throws StackError `stack.download_failed`, `stack.lock_timeout`. */
export async function fetchArtifacts(set: ArtifactSet, progress: Progress): Promise<string> {
  const cache = cacheFolder()
  const folder = join(cache, set.name)
  if (complete(folder)) return folder
  const lock = `${folder}.lock`
  const { release, holder } = await takeLock(lock, {
    waitMs: DOWNLOAD_TIMEOUT_MS,
    onWait: (other) => progress(`${set.title}: waiting for the download by process ${other}`),
  })
  if (!release) {
    throw new StackError(
      'stack.lock_timeout',
      `Process ${holder} has been fetching ${set.title} for too long.`,
      `If it is gone, remove ${lock}.`,
    )
  }
  try {
    if (complete(folder)) return folder
    for (const name of readdirSync(cache)) {
      // Left by a process that was killed while it filled one.
      if (name.startsWith(`${set.name}.tmp-`)) rmSync(join(cache, name), { recursive: true, force: true })
    }
    const temporary = mkdtempSync(`${folder}.tmp-`)
    try {
      await download(set, temporary, progress)
      await set.prepare?.(temporary)
      writeFileSync(join(temporary, MARKER), `${JSON.stringify({ files: sizes(temporary) }, null, 1)}\n`)
      rmSync(folder, { recursive: true, force: true })
      renameSync(temporary, folder)
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
    return folder
  } finally {
    release()
  }
}

/** Complete = the marker is there, and every file it names has its size: cleaners of temporary folders take single files. */
function complete(folder: string): boolean {
  try {
    const marker: { files: Record<string, number> } = JSON.parse(readFileSync(join(folder, MARKER), 'utf8'))
    return Object.entries(marker.files).every(([name, bytes]) => statSync(join(folder, name)).size === bytes)
  } catch {
    return false
  }
}

function sizes(folder: string): Record<string, number> {
  const files: Record<string, number> = {}
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) files[path.slice(folder.length + 1)] = statSync(path).size
  }
  return files
}

async function download(set: ArtifactSet, folder: string, progress: Progress): Promise<void> {
  progress(`${set.title}: fetching with Maven, once`)
  mkdirSync(join(folder, 'libs'))
  writeFileSync(join(folder, 'pom.xml'), pom(set))
  const args = ['-B', '--strict-checksums', '-f', join(folder, 'pom.xml'), COPY_GOAL]
  args.push(`-DoutputDirectory=${join(folder, 'libs')}`, '-DincludeScope=runtime', '-Dstyle.color=never')
  if (!set.transitive) args.push('-DexcludeTransitive=true')
  if (!mavenHomeUsable()) args.push(`-Dmaven.repo.local=${join(cacheFolder(), 'maven-repository')}`)
  const maven = await spawnGuarded({ command: 'mvn', args, cwd: folder, removeWhenOrphaned: folder })
  const timer = setTimeout(() => maven.signal('SIGKILL'), DOWNLOAD_TIMEOUT_MS)
  const errors: string[] = []
  let jars = 0
  let told = performance.now()
  for (const stream of [maven.stdout!, maven.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (/^\[ERROR\]|not found|Exception/.test(line) && errors.length < ERROR_LINES) errors.push(line)
      if (!/Downloaded from .*\.jar/.test(line)) return
      jars += 1
      if (performance.now() - told < PROGRESS_MS) return
      told = performance.now()
      progress(`${set.title}: ${jars} files downloaded`)
    })
  }
  const { code } = await maven.exited
  clearTimeout(timer)
  if (code === 0) return
  throw new StackError(
    'stack.download_failed',
    `Maven could not fetch ${set.title} (exit code ${code}).\n${errors.join('\n')}\n`,
    'Check the network and the settings of Maven (proxy, mirror), or give the addresses of running servers.',
  )
}

function pom(set: ArtifactSet): string {
  const dependencies = set.artifacts.map((coordinates) => {
    const [group, artifact, version] = coordinates.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>tributary</groupId><artifactId>${set.name}</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies>
</project>
`
}
