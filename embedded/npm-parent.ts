/** Ends with npm: a program that `npm run` started should not stay behind when npm itself was killed by SIGKILL. */

const CHECK_MS = 500

/** Calls once when this process was started by npm and npm is gone. Does not keep the process alive. */
export function onNpmGone(gone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    // An orphan gets another parent: process 1, or the nearest one that adopts.
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, CHECK_MS)
  timer.unref()
}
