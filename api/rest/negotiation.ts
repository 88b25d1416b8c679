/**
 * Media types in both directions. Source: RFC 9110 section 12.5.1, JSON:API 1.1 "Content Negotiation".
 * Two are spoken; without Accept, or where both are as welcome, the answer is application/json.
 */
export const JSON_TYPE = 'application/json'
export const JSON_API_TYPE = 'application/vnd.api+json'
export type AnswerType = typeof JSON_TYPE | typeof JSON_API_TYPE

const ANSWERS: readonly AnswerType[] = [JSON_TYPE, JSON_API_TYPE]

interface MediaRange {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  readonly quality: number
}

/** What to answer with; null: nothing that is acceptable. */
export function answerType(accept: string | undefined): AnswerType | null {
  if (accept === undefined || accept.trim() === '') return JSON_TYPE
  const ranges = accept.split(',').map(mediaRange)
  let best: { readonly type: AnswerType; readonly rank: readonly number[] } | null = null
  for (const type of ANSWERS) {
    const rank = rankOf(type, ranges)
    if (rank !== null && (best === null || isHigher(rank, best.rank))) best = { type, rank }
  }
  return best?.type ?? null
}

/** Whether a body of this Content-Type is read. */
export function readsContentType(contentType: string): boolean {
  const { type, parameters } = mediaRange(contentType)
  if (type === JSON_API_TYPE) return onlyProfile(parameters)
  if (type !== JSON_TYPE) return false
  const charset = parameters.get('charset')
  return charset === undefined || /^utf-?8$/i.test(charset)
}

/** Quality first, then how exactly it was asked for, then what was named first. */
function rankOf(type: AnswerType, ranges: readonly MediaRange[]): readonly number[] | null {
  let most = -1
  let rank: readonly number[] | null = null
  for (const [place, range] of ranges.entries()) {
    const specificity = range.type === type ? 2 : range.type === 'application/*' ? 1 : range.type === '*/*' ? 0 : -1
    if (specificity <= most) continue
    if (range.type === JSON_API_TYPE && !onlyProfile(range.parameters)) continue
    most = specificity
    rank = range.quality > 0 ? [range.quality, specificity, -place] : null
  }
  return rank
}

function isHigher(a: readonly number[], b: readonly number[]): boolean {
  for (const [n, value] of a.entries()) if (value !== b[n]) return value > b[n]!
  return false
}

/** JSON:API: `profile` may be ignored, `ext` names what is not spoken here, and no other parameter is allowed. */
const onlyProfile = (parameters: ReadonlyMap<string, string>): boolean =>
  [...parameters.keys()].every((name) => name === 'profile')

function mediaRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';')
  const parameters = new Map<string, string>()
  let quality = 1
  for (const parameter of rest) {
    const at = parameter.indexOf('=')
    const name = (at < 0 ? parameter : parameter.slice(0, at)).trim().toLowerCase()
    const value =
      at < 0
        ? ''
        : parameter
            .slice(at + 1)
            .trim()
            .replace(/^"(.*)"$/, '$1')
    if (name === 'q') {
      quality = /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : 0
      break
    }
    if (name !== '') parameters.set(name, value)
  }
  return { type: type.trim().toLowerCase(), parameters, quality }
}
