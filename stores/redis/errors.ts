/**
 * What went wrong in Redis, as stable codes. Owns the translation and the masking; nothing of a command's arguments
 * leaves this file (ioredis puts them into `error.command.args`, and Redis quotes them in some messages).
 */
import { ReplyError } from 'ioredis'
import { StoreLost } from '../ports.ts'

export const MESSAGE_CHARACTERS_MAX = 160

/** Code of an error reply by the word in it. Redis 6 hides the word of a script's error in the middle of the message. */
const REPLY_CODES: readonly (readonly [word: RegExp, code: string])[] = [
  [/\bWRONGTYPE\b/, 'redis.wrongtype'],
  [/\bOOM\b/, 'redis.memory'],
  [/\bNOSCRIPT\b/, 'redis.noscript'],
  [/\b(?:NOAUTH|WRONGPASS|NOPERM)\b|\binvalid password\b/, 'redis.auth'],
  [/\b(?:READONLY|MASTERDOWN|NOREPLICAS)\b/, 'redis.readonly'],
  [/\bLOADING\b/, 'redis.loading'],
  [/\bMISCONF\b/, 'redis.misconf'],
  [/\bBUSY\b/, 'redis.busy'],
  [/\b(?:MOVED|ASK|CLUSTERDOWN|CROSSSLOT|TRYAGAIN)\b/, 'redis.cluster'],
  [/\bEXECABORT\b/, 'redis.aborted'],
]

const REMEDIES: Readonly<Record<string, string>> = {
  'redis.wrongtype': 'a key holds a value of another type; the task is rebuilt',
  'redis.memory': 'Redis has reached maxmemory: give it more',
  'redis.auth': 'check user and password in REDIS_URL and the rights listed in stores/README.md',
  'redis.readonly': 'REDIS_URL must name the primary',
  'redis.misconf': 'Redis cannot save to its disk and refuses writes: see its log',
  'redis.cluster': 'REDIS_URL must name one server, not a member of a cluster',
}

/** Any error of ioredis or of the socket as a StoreLost without the original, which carries arguments. */
export function toStoreLost(error: unknown): StoreLost {
  if (error instanceof StoreLost) return error
  const message = error instanceof Error ? error.message : String(error)
  if (!isReply(error)) return new StoreLost('redis.connection', `no connection to Redis: ${mask(message)}`)
  const code = REPLY_CODES.find(([word]) => word.test(message))?.[1] ?? 'redis.reply'
  const remedy = REMEDIES[code]
  return new StoreLost(code, remedy === undefined ? mask(message) : `${mask(message)} (${remedy})`)
}

/** First line, quoted text and addresses with credentials taken out, cut. */
export function mask(message: string): string {
  const line = (message.split('\n', 1)[0] ?? '')
    .replace(/,? with args beginning with.*$/i, '')
    .replace(/(rediss?:\/\/)[^@\s]*@/gi, '$1…@')
    .replace(/'[^']*'|"[^"]*"|`[^`]*`/g, '…')
  return line.length > MESSAGE_CHARACTERS_MAX ? `${line.slice(0, MESSAGE_CHARACTERS_MAX)}…` : line
}

function isReply(error: unknown): boolean {
  return error instanceof ReplyError
}
