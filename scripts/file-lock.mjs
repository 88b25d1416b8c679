/**
 * A lock between processes, as a file that names its holder. Owns the rules of when such a file is stale.
 * For downloads, installations and data folders on a local disk; not for anything whose correctness rests on it.
 * Plain JavaScript for any Node from 16 on, because bootstrap.mjs needs it before anything is installed; types are in
 * file-lock.d.mts.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** A holder touches its file this often. */
const TOUCH_MS = 2_000
/** Untouched for so long it is stale, whoever it names: a holder in another container, or a process id used again. */
const STALE_MS = 30_000
const POLL_MS = 100

export async function takeLock(path, { waitMs, onWait }) {
  const deadline = Date.now() + waitMs
  const mine = `${process.pid} ${hostname()}\n`
  let told = false
  while (!create(path, mine)) {
    const holder = holderUnlessStale(path)
    if (holder === undefined) continue
    if (Date.now() >= deadline) return { release: undefined, holder }
    if (!told && onWait) onWait(holder)
    told = true
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  const timer = setInterval(() => touch(path), TOUCH_MS)
  timer.unref()
  const release = () => {
    clearInterval(timer)
    if (readIfThere(path) === mine) rmSync(path, { force: true })
  }
  return { release, holder: mine.trim() }
}

export function processAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function create(path, text) {
  try {
    writeFileSync(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** The text that names the living holder; undefined when there is none (any more), a stale file being removed. */
function holderUnlessStale(path) {
  const seen = readIfThere(path)
  if (seen === undefined) return undefined
  if (!isStale(path, seen)) return seen.trim()
  // Moved away, not deleted: of several that find it stale one wins, and what was moved can be looked at again.
  const aside = `${path}.stale-${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return undefined
  }
  if (readIfThere(aside) !== seen) {
    try {
      // Someone cleared it and took it in between: put theirs back.
      linkSync(aside, path)
    } catch {
      // A third one holds it by now; the caller's next try finds out.
    }
  }
  rmSync(aside, { force: true })
  return undefined
}

function isStale(path, text) {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true
  } catch {
    return false
  }
  const [pid, host] = text.trim().split(' ')
  // Without a host it is between being created and being written.
  return host === hostname() && !processAlive(Number(pid))
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function touch(path) {
  try {
    const now = new Date()
    utimesSync(path, now, now)
  } catch {
    // Removed: by hand, or by one that thought this process dead.
  }
}
