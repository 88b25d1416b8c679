/** Numbers, times and bytes as people read them. Pure. */
const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

export const count = (value: number): string => whole.format(value)

/** `1 change`, `2 changes`. */
export const counted = (value: number, one: string): string => `${count(value)} ${value === 1 ? one : `${one}s`}`

/** `12.3K`, for places where a column has no room. */
export const compact = (value: number): string =>
  value < 10_000 ? whole.format(Math.round(value)) : short.format(value)

/** Per second; null: not known. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (value > 0 && value < 10) return `${value.toFixed(1)}/s`
  return `${compact(value)}/s`
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  if (ms < 1) return '<1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let at = 0
  let left = value
  while (left >= 1_024 && at < units.length - 1) {
    left /= 1_024
    at++
  }
  return `${at === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[at]}`
}

/** `2026-03-01 12:00:05.123`, the reader's own time zone. */
export function dateTime(at: string | number | Date): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return String(at)
  const pad = (value: number, width = 2): string => String(value).padStart(width, '0')
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clock(date)}.${pad(date.getMilliseconds(), 3)}`
}

export function clock(at: string | number | Date): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((value) => String(value).padStart(2, '0'))
    .join(':')
}
