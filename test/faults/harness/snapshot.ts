/** A Redis that goes back to an earlier dump: what a restored snapshot does, without a restart. */
import type { Redis } from 'ioredis'

/** All at one moment, as a dump on disk has it: keys read one after the other would be of a state that never was. */
const SNAPSHOT = `
  local found = {}
  for _, key in ipairs(redis.call('KEYS', ARGV[1])) do found[#found + 1] = {key, redis.call('DUMP', key)} end
  return found`

/** The keys of an application as they are now come back behind `meanwhile`, and nothing else is left. */
export async function goBack(client: Redis, application: string, meanwhile: () => Promise<unknown>): Promise<void> {
  const snapshot = (await client.callBuffer('EVAL', SNAPSHOT, 0, `{${application}:*`)) as [Buffer, Buffer][]
  await meanwhile()
  const back = client.multi().flushall()
  for (const [key, bytes] of snapshot) back.restore(key, 0, bytes, 'REPLACE')
  await back.exec()
}
