/** Query and path parameters of the operators' interface, each read by its rule. Pure. */
import { checkKnown } from '../api/events/routes.ts'
import { failure } from '../api/rest/errors.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
export const REASON = /^[\x21-\x7e]{1,100}$/

export class Query {
  readonly #values: URLSearchParams

  /** Throws ApiFailure `query.unknown`, `filter.invalid`. */
  constructor(values: URLSearchParams, known: readonly string[]) {
    checkKnown(values, known)
    const twice = known.find((name) => values.getAll(name).length > 1)
    if (twice !== undefined) throw failure('filter.invalid', 'it is given twice', { parameter: twice })
    this.#values = values
  }

  /** In lower case; null: not given. Throws ApiFailure `filter.invalid`. */
  tenant(): string | null {
    return this.#text('tenant', 'a UUID', UUID)?.toLowerCase() ?? null
  }

  reason(): string | null {
    return this.#text('reason', 'a reason as the list has it', REASON)
  }

  number(name: string, min: number, max: number, otherwise: number): number {
    const text = this.#text(name, `a whole number from ${min} to ${max}`, /^(0|[1-9]\d{0,9})$/)
    if (text === null) return otherwise
    return inRange(Number(text), min, max, { parameter: name })
  }

  #text(name: string, wanted: string, form: RegExp): string | null {
    const value = this.#values.get(name)
    if (value === null || value === '') return null
    if (!form.test(value)) throw failure('filter.invalid', `${name} takes ${wanted}`, { parameter: name })
    return value
  }
}

/** A number in the path. Throws ApiFailure `id.invalid`. */
export function pathNumber(text: string | undefined, min: number, max: number): number {
  if (text === undefined || !/^(0|[1-9]\d{0,15})$/.test(text))
    throw failure('id.invalid', `a whole number from ${min} to ${max} is needed`)
  const value = Number(text)
  if (value < min || value > max) throw failure('id.invalid', `a whole number from ${min} to ${max} is needed`)
  return value
}

function inRange(value: number, min: number, max: number, source: { readonly parameter: string }): number {
  if (value < min || value > max)
    throw failure('filter.invalid', `${source.parameter} takes a whole number from ${min} to ${max}`, source)
  return value
}
