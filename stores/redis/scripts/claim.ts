/**
 * Takes a task over: from here every guarded command of a predecessor is refused.
 *
 * KEYS  1 task hash
 * ARGV  1 owner token, 2 instance, 3 transactional id, 4 cluster id, 5 changelog topic id
 * reply ['claimed', checkpoint or '']
 *       ['foreign', cluster id, changelog topic id] of the state found; nothing was written
 *
 * A key of another type than a hash cannot be state and is replaced. A checkpoint that cannot be read is no foreign
 * state either: the caller rebuilds. The version under construction stays as it is (sweep.ts says why).
 */
import { script } from './script.ts'

export const CLAIM = script(`
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('UNLINK', KEYS[1]) end
local checkpoint = redis.call('HGET', KEYS[1], 'checkpoint')
if checkpoint then
  local readable, found = pcall(cjson.decode, checkpoint)
  if readable and type(found) == 'table' and type(found.clusterId) == 'string' and type(found.changelogTopicId) == 'string'
    and (found.clusterId ~= ARGV[4] or found.changelogTopicId ~= ARGV[5]) then
    return {'foreign', found.clusterId, found.changelogTopicId}
  end
end
redis.call('HDEL', KEYS[1], 'step')
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'instance', ARGV[2], 'transactional-id', ARGV[3])
return {'claimed', checkpoint or ''}
`)
