/**
 * Guarded write of one chunk of absolute values; the checkpoint, or the step, is its last statement. It stops at the first error and
 * then leaves the checkpoint as it was; plain commands inside MULTI would not (trap I5).
 *
 * KEYS  1 task hash, 2.. the keys to write, in the order of the sections
 * ARGV  1 owner token, 2 expected checkpoint ('' = none), 3 version under construction ('' = a write into the live one)
 *       4 the checkpoint to set ('' = leave it)
 *       5 JSON {single, multiple, sets, calls}, see core/write-plan.ts
 *       6 expected step
 *       7.. values: field and value per key of \`single\`; multiple[i] fields and values per key; one value per key of \`sets\`
 * reply 1 done, 0 refused: nothing was written
 *
 * No unpack here reaches Lua's limit of 7,999 values: a chunk has at most CHUNK_CHANGES_MAX changes, two values each.
 */
import { script } from './script.ts'

export const WRITE = script(`
local task = redis.call('HMGET', KEYS[1], 'owner', 'checkpoint', 'building', 'step')
if task[1] ~= ARGV[1] or (task[2] or '') ~= ARGV[2] or (task[4] or '0') ~= ARGV[6]
  or (ARGV[3] ~= '' and task[3] ~= ARGV[3]) then return 0 end
local plan = cjson.decode(ARGV[5])
local call = redis.call
local key = 1
local at = 7
for _ = 1, plan.single do
  key = key + 1
  call('HSET', KEYS[key], ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _, count in ipairs(plan.multiple) do
  key = key + 1
  call('HSET', KEYS[key], unpack(ARGV, at, at + count - 1))
  at = at + count
end
for _ = 1, plan.sets do
  key = key + 1
  call('SET', KEYS[key], ARGV[at])
  at = at + 1
end
for _, planned in ipairs(plan.calls) do
  key = key + 1
  call(planned[1], KEYS[key], unpack(planned, 2))
end
if ARGV[4] == '' then
  call('HSET', KEYS[1], 'step', string.format('%d', ARGV[6] + 1))
else
  if task[4] then call('HDEL', KEYS[1], 'step') end
  call('HSET', KEYS[1], 'checkpoint', ARGV[4])
end
return 1
`)
