/**
 * A status event of notes as subscribers see it: whose it is, what it is called, and the lines that carry it, made once
 * whoever gets it. The data are the bytes of the topic.
 */
import { type RecordView, valueOf } from '../../engine/core/headers.ts'
import { DecodedHeaders } from '../../engine/core/record-headers.ts'
import { tenantOf } from '../../subscribe/core/tenant.ts'

export interface NoteEvent {
  /** In lower case. */
  readonly tenant: string
  readonly characterId: number
  readonly type: string
  /** `event:` and `data:` lines and the empty line; the id goes before. */
  readonly lines: string
}

/** As the status events are called. Any other name is nothing that this service says, and might look as its gaps and ends do. */
export const EVENT_TYPES = ['CREATED', 'UPDATED', 'DELETED', 'CREATE_FAILED'] as const
const KNOWN: ReadonlySet<string> = new Set(EVENT_TYPES)

/** null: of no tenant, or not a status event: nobody is sent that. */
export function noteEventOf(view: RecordView): NoteEvent | null {
  const bytes = valueOf(view)
  if (bytes === null) return null
  let tenant: string | null
  let value: unknown
  const text = bytes.toString('utf8')
  try {
    tenant = tenantOf(DecodedHeaders.of(view))
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (tenant === null || typeof value !== 'object' || value === null) return null
  const { type, characterId } = value as { type?: unknown; characterId?: unknown }
  if (typeof type !== 'string' || !KNOWN.has(type) || typeof characterId !== 'number') return null
  return { tenant, characterId, type, lines: `event: ${type}\n${dataLines(text)}\n` }
}

/**
 * The lines for somebody who is sent every tenant's events: its data say whose the event is, as `tenantId`. The first brace
 * is the one that opens the value: the line before it holds a type.
 */
export function linesWithTenant({ lines, tenant }: NoteEvent): string {
  const at = lines.indexOf('{') + 1
  return `${lines.slice(0, at)}"tenantId":"${tenant}",${lines.slice(at)}`
}

/** JSON has line ends between tokens only, and a stream puts a line end back between two data lines. */
export const dataLines = (text: string): string =>
  /[\r\n]/.test(text)
    ? text
        .split(/\r\n|\r|\n/)
        .map((line) => `data: ${line}\n`)
        .join('')
    : `data: ${text}\n`
