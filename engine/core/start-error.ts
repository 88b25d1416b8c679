/** Why a start was refused: a stop code, and its remedy in the message. */
import { remedyOf, type StopCodeName } from './stop-codes.ts'

export class StartError extends Error {
  readonly code: StopCodeName
  constructor(code: StopCodeName, message: string) {
    super(`${message} (${code}). ${remedyOf(code)}`)
    this.name = 'StartError'
    this.code = code
  }
}
