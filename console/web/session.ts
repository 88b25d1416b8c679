/**
 * The token that actions need: taken from `#token=…`, where no server sees it, or typed in; kept for this tab alone. And the
 * name under which actions are recorded.
 */
import { decoded } from './router.ts'

const TOKEN = 'tributary.token'
const NAME = 'tributary.by'

/** Also of an address that is pasted into a tab that is open: that of a service that has started again. */
export function takeTokenFromAddress(): void {
  const match = /^#token=([^&]+)/.exec(location.hash)
  if (!match) return
  setToken(decoded(match[1]!))
  history.replaceState(null, '', `${location.pathname}#/`)
}

export const token = (): string | null => sessionStorage.getItem(TOKEN)

export function setToken(value: string | null): void {
  if (value === null || value === '') sessionStorage.removeItem(TOKEN)
  else sessionStorage.setItem(TOKEN, value)
  window.dispatchEvent(new Event('tokenchange'))
}

export const operatorName = (): string => localStorage.getItem(NAME) ?? ''

export function setOperatorName(value: string): void {
  if (value.trim() === '') localStorage.removeItem(NAME)
  else localStorage.setItem(NAME, value.trim())
}
