/**
 * What the body of POST and PATCH asks for. The fields are read by the readers of the Kafka commands, so that this and the
 * processor take the same values; every broken one is told, with its place.
 */
import { DeadLetter } from '../../topology/errors.ts'
import { byte, type FieldReader, text, uint32 } from '../../topology/fields.ts'
import { type JsonObject, kindOf } from '../../topology/json.ts'
import { ApiFailure, type HttpErrorName, type Problem } from './errors.ts'

export interface NewNote {
  readonly characterId: number
  readonly senderId: number
  readonly message: string
  readonly flag: number
}

/** What is undefined stays as it is. `characterId` is only compared. */
export interface NoteChange {
  readonly characterId: number | undefined
  readonly senderId: number | undefined
  readonly message: string | undefined
  readonly flag: number | undefined
}

/** Missing and null count as zero, which only `flag` may be. Throws ApiFailure with every broken field. */
export function readNewNote(body: JsonObject): NewNote {
  const fields = new Fields(body)
  const note = {
    characterId: fields.required('characterId', uint32, 'must not be 0'),
    senderId: fields.required('senderId', uint32, 'must not be 0'),
    message: fields.required('message', text, 'must not be empty'),
    flag: fields.read('flag', byte) ?? 0,
  }
  fields.check()
  return note
}

/** Missing and null leave a field as it is. Throws ApiFailure with every broken field. */
export function readNoteChange(body: JsonObject, noteId: number): NoteChange {
  const fields = new Fields(body, 'optional')
  fields.sameId(noteId)
  const optional = <T extends number | string>(name: string, read: FieldReader<T>, rule: string): T | undefined =>
    fields.has(name) ? fields.required(name, read, rule) : undefined
  const change = {
    characterId: optional('characterId', uint32, 'must not be 0'),
    senderId: optional('senderId', uint32, 'must not be 0'),
    message: optional('message', text, 'must not be empty'),
    flag: fields.has('flag') ? fields.read('flag', byte) : undefined,
  }
  fields.check()
  return change
}

/** The attributes of the resource in a document, and what is wrong with them. */
class Fields {
  readonly #problems: Problem[] = []
  readonly #data: JsonObject
  readonly #attributes: JsonObject

  constructor(body: JsonObject, attributes: 'required' | 'optional' = 'required') {
    this.#data = this.#object(body, 'data', '')
    if (this.#problems.length === 0) this.#checkType()
    const isLeftOut = attributes === 'optional' && (this.#data['attributes'] ?? null) === null
    this.#attributes =
      this.#problems.length === 0 && !isLeftOut ? this.#object(this.#data, 'attributes', '/data') : NOTHING
    // With no attributes to look at, nothing can be said about them.
    this.check()
  }

  has(name: string): boolean {
    return this.#attributes[name] !== undefined && this.#attributes[name] !== null
  }

  read<T>(name: string, read: FieldReader<T>): T | undefined {
    try {
      return read(this.#attributes, name)
    } catch (error) {
      if (!(error instanceof DeadLetter)) throw error
      const code = error.code === 'value.out_of_range' ? 'value.out_of_range' : 'value.wrong_type'
      this.#broken(code, error.message, `/data/attributes/${name}`)
      return undefined
    }
  }

  /** Its zero is not allowed. */
  required<T extends number | string>(name: string, read: FieldReader<T>, rule: string): T {
    const value = this.read(name, read)
    if (value === 0 || value === '') {
      const missing = !this.has(name)
      this.#broken('value.required', `${name} ${missing ? 'is required' : rule}`, `/data/attributes/${name}`)
    }
    return value as T
  }

  /** The id in the body may be left out, and must not be another. */
  sameId(noteId: number): void {
    const { id } = this.#data
    if (id === undefined || id === null || id === String(noteId)) return
    if (typeof id !== 'string') {
      this.#broken('value.wrong_type', `id must be a string, not ${kindOf(id)}`, '/data/id')
      return
    }
    this.#broken('value.fixed', 'id must be the one in the path', '/data/id')
  }

  /** Throws ApiFailure. */
  check(): void {
    const [first, ...more] = this.#problems
    if (first) throw new ApiFailure([first, ...more])
  }

  #checkType(): void {
    const { type } = this.#data
    if (type === 'notes') return
    if (type === undefined || type === null) this.#broken('value.required', 'type is required', '/data/type')
    else if (typeof type !== 'string')
      this.#broken('value.wrong_type', `type must be a string, not ${kindOf(type)}`, '/data/type')
    else this.#broken('value.out_of_range', 'type must be "notes"', '/data/type')
  }

  #object(from: JsonObject, name: string, within: string): JsonObject {
    const value = from[name]
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
    if (value === undefined || value === null)
      this.#broken('value.required', `${name} is required`, `${within}/${name}`)
    else this.#broken('value.wrong_type', `${name} must be an object, not ${kindOf(value)}`, `${within}/${name}`)
    return NOTHING
  }

  #broken(code: HttpErrorName, detail: string, pointer: string): void {
    this.#problems.push({ code, detail, source: { pointer } })
  }
}

const NOTHING: JsonObject = Object.freeze({})
