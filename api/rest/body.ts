/** The body of a request: bytes → JSON object, by the same parser as the records of Kafka, and stricter about ambiguity. */
import { DeadLetter } from '../../topology/errors.ts'
import { type JsonObject, parseObject } from '../../topology/json.ts'
import { JSON_DEPTH_MAX } from '../limits.ts'
import { scanJson } from './body-scan.ts'
import { failure } from './errors.ts'

/** Throws ApiFailure. */
export function readBody(body: unknown): JsonObject {
  if (!Buffer.isBuffer(body) || body.length === 0) throw failure('body.not_json', 'the request has no body')
  const parsed = parse(body)
  switch (scanJson(body.toString('utf8'), JSON_DEPTH_MAX)) {
    case 'deep':
      throw failure('body.too_deep', `the body is nested more than ${JSON_DEPTH_MAX} levels deep`)
    case 'twice':
      throw failure('body.ambiguous', 'an object of the body has a field twice')
    case 'proto':
      throw failure('body.ambiguous', 'an object of the body has a field called __proto__')
    default:
      return parsed
  }
}

function parse(body: Buffer): JsonObject {
  try {
    return parseObject(body)
  } catch (error) {
    if (!(error instanceof DeadLetter)) throw error
    const detail = error.message.replace(/^the value /, 'the body ')
    if (error.code === 'value.wrong_type') throw failure('value.wrong_type', detail, { pointer: '' })
    throw failure('body.not_json', detail)
  }
}
