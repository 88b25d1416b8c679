/**
 * JSON values of records: bytes → text → object → message. Responsible for refusing what is not a JSON object, and for
 * handing the object to a schema or to a decoder of one's own. Knows no message; reading fields by hand is fields.ts.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { DeadLetter } from './errors.ts'
import type { Decoder } from './sources.ts'

/** A parsed JSON object. Its fields are own properties, `__proto__` too, so a look-up by a fixed name is safe. */
export interface JsonObject {
  readonly [field: string]: unknown
}

/** The part of a zod 4 schema that is used. */
export interface Schema<M> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: M }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } }
}

export interface SchemaIssue {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Longest name of a field and longest explanation that go into a dead letter's message, in UTF-16 units. */
const NAME_LENGTH_MAX = 50
const EXPLANATION_LENGTH_MAX = 200
/** Deepest path that is spelled out. */
const PATH_LENGTH_MAX = 8

/**
 * A decoder of JSON values. `shape` is a zod 4 schema, or a function from the parsed object to the message that throws
 * DeadLetter. Dead letters: `value.empty` (null or no bytes), `value.not_utf8`, `value.not_json` (also a byte-order
 * mark), `value.wrong_type` (not an object, or a field of a wrong type), `value.out_of_range`.
 * A field that is given twice: the last one counts. Depth is bounded by the size of the record only.
 */
export function json<M>(shape: Schema<M> | ((object: JsonObject) => M)): Decoder<M> {
  if (typeof shape === 'function') return (value) => shape(parseObject(value))
  const decode = (value: Buffer | null): M => {
    const result = shape.safeParse(parseObject(value))
    if (result.success) return result.data
    throw explained(result.error.issues[0])
  }
  return Object.assign(decode, { schema: shape })
}

/** The JSON object in these bytes. Throws DeadLetter. */
export function parseObject(value: Buffer | null): JsonObject {
  if (value === null || value.length === 0) throw new DeadLetter('value.empty', 'the record has no value')
  const parsed = parse(textOf(value))
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new DeadLetter('value.wrong_type', `the value must be a JSON object, not ${kindOf(parsed)}`)
  }
  return parsed as JsonObject
}

/** What a JSON value is, without saying what it holds. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function textOf(value: Buffer): string {
  // Commands are mostly ASCII, and reading that as latin1 is three times as fast as UTF-8.
  if (isAscii(value)) return value.toString('latin1')
  if (!isUtf8(value)) throw new DeadLetter('value.not_utf8', 'the value is not valid UTF-8')
  if (value[0] === 0xef && value[1] === 0xbb && value[2] === 0xbf) {
    throw new DeadLetter('value.not_json', 'the value begins with a byte-order mark')
  }
  return value.toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the value, so it is not passed on. A RangeError (too deep) is the same to us.
    throw new DeadLetter('value.not_json', 'the value is not JSON')
  }
}

/** Codes of zod for a value of the right type that is not allowed. */
const RANGE_ISSUES: ReadonlySet<string | undefined> = new Set(['too_small', 'too_big', 'not_multiple_of'])

function explained(issue: SchemaIssue | undefined): DeadLetter {
  if (!issue) return new DeadLetter('value.wrong_type', 'the value does not match its schema')
  const code = RANGE_ISSUES.has(issue.code) ? 'value.out_of_range' : 'value.wrong_type'
  const message = issue.message.slice(0, EXPLANATION_LENGTH_MAX)
  return new DeadLetter(code, issue.path.length === 0 ? message : `${pathText(issue.path)}: ${message}`)
}

/** `body.noteIds[3]` */
function pathText(path: readonly PropertyKey[]): string {
  const shown = path.slice(0, PATH_LENGTH_MAX).map((part, i) => {
    if (typeof part === 'number') return `[${part}]`
    const name = String(part).slice(0, NAME_LENGTH_MAX)
    return i === 0 ? name : `.${name}`
  })
  return shown.join('') + (path.length > PATH_LENGTH_MAX ? '…' : '')
}
