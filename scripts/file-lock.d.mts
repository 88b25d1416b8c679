/** Types of file-lock.mjs. */

export interface LockOptions {
  /** How long to wait for another holder; 0 tries once. */
  readonly waitMs: number
  /** Called once when it has to wait, with the holder's process id and host name. */
  readonly onWait?: (holder: string) => void
}

export interface LockResult {
  /** Gives the lock back, idempotent; undefined when the wait was over and another one still held it. */
  readonly release: (() => void) | undefined
  /** Process id and host name of the holder. */
  readonly holder: string
}

/** Takes the lock that the file of this path stands for, clearing a stale one. Its folder must exist. */
export function takeLock(path: string, options: LockOptions): Promise<LockResult>

/** Whether a process of this id exists on this machine, also one of another user. */
export function processAlive(pid: number): boolean
