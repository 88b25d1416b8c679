/**
 * Where downloads and the address file live: outside the checkout, shared by every checkout of a user.
 * Owns the choice of the folder and nothing in it.
 */
import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * `$XDG_CACHE_HOME/tributary`, else `~/.cache/tributary`, else a folder of ours below the system's temporary folder
 * when the home cannot be written to (read-only containers, service accounts). Created when missing.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  // The XDG base directory specification: relative paths in these variables are invalid and must be ignored.
  const xdg = env.XDG_CACHE_HOME
  const base = xdg && isAbsolute(xdg) ? xdg : join(env.HOME || homedir(), '.cache')
  const preferred = join(base, 'tributary')
  if (usable(preferred)) return preferred
  const fallback = join(tmpdir(), `tributary-cache-${process.getuid?.() ?? 'user'}`)
  // Programs are run from here, and the temporary folder is everybody's: it must be ours, and no link.
  if (usable(fallback) && privateFolder(fallback)) return fallback
  throw new Error(`No cache folder can be written: tried ${preferred} and ${fallback}. Set XDG_CACHE_HOME.`)
}

/**
 * False when Maven cannot keep its own copies in `~/.m2`. Java takes the home from the user database, not from HOME, and
 * a user id without an entry there, usual in containers, has none.
 */
export function mavenHomeUsable(): boolean {
  try {
    return usable(join(userInfo().homedir, '.m2'))
  } catch {
    return false
  }
}

function usable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

function privateFolder(folder: string): boolean {
  const stat = lstatSync(folder)
  return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0
}
