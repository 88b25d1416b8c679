/**
 * Beginning and end of a rebuild. Both are guarded writes of the task's hash alone.
 */
import { script } from './script.ts'

/** Versions listed in the hash; beyond it the oldest is dropped and found again by a walk over the keys. */
export const VERSIONS_MAX = 100

/**
 * Lists a version before its first key exists, and makes it the one under construction.
 *
 * KEYS  1 task hash
 * ARGV  1 owner token, 2 expected checkpoint ('' = none), 3 the version, 4 expected step
 * reply 1 done, 0 refused
 */
export const REGISTER = script(`
local task = redis.call('HMGET', KEYS[1], 'owner', 'checkpoint', 'versions', 'step')
if task[1] ~= ARGV[1] or (task[2] or '') ~= ARGV[2] or (task[4] or '0') ~= ARGV[4] then return 0 end
local readable, versions = pcall(cjson.decode, task[3] or '[]')
if not readable or type(versions) ~= 'table' then
  versions = {}
  redis.call('HDEL', KEYS[1], 'swept')
end
versions[#versions + 1] = ARGV[3]
if #versions > ${VERSIONS_MAX} then
  table.remove(versions, 1)
  redis.call('HDEL', KEYS[1], 'swept')
end
redis.call('HSET', KEYS[1], 'versions', cjson.encode(versions), 'building', ARGV[3])
return 1
`)

/**
 * Makes the version under construction live: its name is a field of the checkpoint.
 *
 * KEYS  1 task hash
 * ARGV  1 owner token, 2 expected checkpoint ('' = none), 3 the version under construction, 4 the checkpoint to set,
 *       5 expected step
 * reply 1 done, 0 refused
 */
export const SWITCH = script(`
local task = redis.call('HMGET', KEYS[1], 'owner', 'checkpoint', 'building', 'step')
if task[1] ~= ARGV[1] or (task[2] or '') ~= ARGV[2] or task[3] ~= ARGV[3] or (task[4] or '0') ~= ARGV[5] then return 0 end
redis.call('HDEL', KEYS[1], 'building', 'step')
redis.call('HSET', KEYS[1], 'checkpoint', ARGV[4])
return 1
`)
