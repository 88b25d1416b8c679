/**
 * Removal of versions that are neither live nor under construction. Guarded by the owner and by the versions, not by
 * the text of the checkpoint: it runs beside the batches.
 */
import { script } from './script.ts'

/** Version of the live state, '' when there is none, nil when a checkpoint is there that cannot be read. */
const LIVE_VERSION = `
local function live_version(checkpoint)
  if not checkpoint then return '' end
  local readable, found = pcall(cjson.decode, checkpoint)
  if readable and type(found) == 'table' and type(found.stateVersion) == 'string' then return found.stateVersion end
  return nil
end
`

/**
 * What there is to sweep. A version under construction other than the caller's own belongs to a predecessor: every
 * write of it is refused since the claim, so it is forgotten here and swept like any other.
 *
 * KEYS  1 task hash
 * ARGV  1 owner token, 2 the version that the caller itself is building ('' = none)
 * reply 0 refused; else [live version or '', JSON list of versions, 1 when a whole walk has been made]
 */
export const SWEEP_INSPECT = script(`${LIVE_VERSION}
local task = redis.call('HMGET', KEYS[1], 'owner', 'checkpoint', 'building', 'versions', 'swept')
if task[1] ~= ARGV[1] then return 0 end
local live = live_version(task[2])
if live == nil then return 0 end
if task[3] and task[3] ~= ARGV[2] then redis.call('HDEL', KEYS[1], 'building') end
return {live, task[4] or '[]', task[5] and 1 or 0}
`)

/**
 * Removes keys.
 *
 * KEYS  1 task hash, 2.. the keys
 * ARGV  1 owner token, 2.. every version that a key belongs to
 * reply 1 done, 0 refused: nothing was removed
 */
export const SWEEP_REMOVE = script(`${LIVE_VERSION}
local task = redis.call('HMGET', KEYS[1], 'owner', 'checkpoint', 'building')
if task[1] ~= ARGV[1] then return 0 end
local live = live_version(task[2])
if live == nil then return 0 end
for i = 2, #ARGV do
  if ARGV[i] == live or ARGV[i] == task[3] then return 0 end
end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return 1
`)

/**
 * Ends a complete walk.
 *
 * KEYS  1 task hash
 * ARGV  1 owner token, 2.. versions of which no key is left
 * reply 1 done, 0 refused
 */
export const SWEEP_FINISH = script(`
local task = redis.call('HMGET', KEYS[1], 'owner', 'versions')
if task[1] ~= ARGV[1] then return 0 end
local gone = {}
for i = 2, #ARGV do gone[ARGV[i]] = true end
local readable, versions = pcall(cjson.decode, task[2] or '[]')
local left = {}
if readable and type(versions) == 'table' then
  for _, version in ipairs(versions) do
    if not gone[version] then left[#left + 1] = version end
  end
end
redis.call('HSET', KEYS[1], 'versions', #left > 0 and cjson.encode(left) or '[]', 'swept', '1')
return 1
`)
