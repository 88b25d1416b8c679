/** What makes two requests one: the Idempotency-Key of the client, and the request id of the command that comes of it. */
import { randomUUID } from 'node:crypto'
import { uuidV5 } from '../../topology/notes/uuid.ts'
import { IDEMPOTENCY_KEY_LENGTH_MAX } from '../limits.ts'
import { failure } from './errors.ts'
import type { DistinctHeaders } from './tenant.ts'

const VISIBLE = new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_LENGTH_MAX}}$`)

/** null: none was sent. Throws ApiFailure `idempotency.invalid`. */
export function readIdempotencyKey(headers: DistinctHeaders): string | null {
  const values = headers['idempotency-key']
  if (values === undefined || values.length === 0) return null
  const [key = ''] = values
  if (values.length > 1 || !VISIBLE.test(key))
    throw failure(
      'idempotency.invalid',
      `Idempotency-Key must be given once, 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters`,
      { header: 'Idempotency-Key' },
    )
  return key
}

/**
 * A key belongs to its target, so every use of it meets in one task: the same tenant, method, path and, for a new note,
 * character. Without a key: random. UUID text in lower case.
 */
export function requestIdOf(tenantId: string, target: readonly (string | number)[], key: string | null): string {
  // No part but the last can hold a line break.
  return key === null ? randomUUID() : uuidV5(tenantId, [...target, key].join('\n'))
}
