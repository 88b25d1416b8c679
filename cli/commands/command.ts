/** What all commands share: the exit code they come to, --json, and checked numbers. */
import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import { isUuid } from '../../topology/fields.ts'
import type { Io } from '../context.ts'
import type { Exit } from '../errors.ts'

/** Runs a command's work and keeps the exit code that it comes to. */
export type Run = (work: () => Promise<Exit>) => Promise<void>

export type Register = (parent: Command, io: Io, run: Run) => void

export const withJson = (command: Command): Command => command.option('--json', 'print JSON')

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** For commander: a whole number within bounds, or a usage error. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
  }

/** For commander: a tenant's UUID, in lower case, or a usage error. */
export function tenantLike(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('Give a UUID of 36 characters.')
  return text.toLowerCase()
}

/** Who gives an order, as this machine names them. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container's user may have no name.
    return 'unknown'
  }
}
