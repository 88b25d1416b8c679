/**
 * Ends with npm: a program that `npm run` started must not stay behind when npm is gone. npm passes a signal on only to
 * the shell it runs the script in, which on Linux is neither replaced by the program nor passes the signal further; and
 * SIGKILL is passed on by nobody.
 */
import { execFileSync } from 'node:child_process'
import { processAlive } from '../scripts/file-lock.mjs'

const CHECK_MS = 250
const SHELL = /(^|[/-])(sh|bash|dash|zsh|ksh)$/

/** Calls once when this process was started by npm and npm, or the shell between, is gone. Does not keep the process alive. */
export function onNpmGone(gone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const npm = parentOfShell(parent)
  const timer = setInterval(() => {
    // An orphan gets another parent: process 1, or the nearest one that adopts.
    if (process.ppid === parent && (npm === undefined || processAlive(npm))) return
    clearInterval(timer)
    gone()
  }, CHECK_MS)
  timer.unref()
}

/** The parent of a process that is a shell, else undefined. */
function parentOfShell(pid: number): number | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', `${pid}`], { encoding: 'utf8', stdio: 'pipe' }).trim()
    const [, ppid, command = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    return SHELL.test(command) ? Number(ppid) : undefined
  } catch {
    // No ps, as on Windows: the parent alone is watched.
    return undefined
  }
}
