/**
 * Guarded write of one chunk of absolute values; the checkpoint, or the step, is its last statement. It stops at the first error and
 * then leaves the checkpoint as it was; plain commands inside MULTI would not (trap I5).
 *
 * KEYS  1 task hash, 2.. the keys to write, in the order of the sections
 * ARGV  1 owner token, 2 expected checkpoint ('' = none), 3 version under construction ('' = a write into the live one)
 *       4 the checkpoint to set ('' = leave it)
 *       5 JSON {single, multiple, sets, calls, orders}, see core/write-plan.ts
 *       6 expected step
 *       7.. values: field and value per key of \`single\`; multiple[i] fields and values per key; one value per key of \`sets\`
 * reply 1 done, 0 refused: nothing was written
 *
 * The keys of the sets that keep an order are made here, of the hashes' keys: most are not there, and naming each would cost
 * more than asking for the number of fields. They lie in the same slot.
 *
 * No unpack here reaches Lua's limit of 7,999 values: a chunk has at most CHUNK_CHANGES_MAX changes, two values each.
 */
import { DROPPED_UNTIL, KEPT_BEYOND } from '../../core/field-order.ts'
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
local function ordered(order, hash) return order.set .. string.sub(hash, #order.hash + 1) end
local function orderAnew(hash, set)
  call('DEL', set)
  local fields = call('HKEYS', hash)
  for first = 1, #fields, 3000 do
    local members = {}
    for n = first, math.min(first + 2999, #fields) do
      members[#members + 1] = fields[n]
      members[#members + 1] = fields[n]
    end
    call('ZADD', set, unpack(members))
  end
end
local function follow(order, hash, at, count)
  local size = call('HLEN', hash)
  if size <= ${DROPPED_UNTIL} then return end
  local set = ordered(order, hash)
  if call('EXISTS', set) == 0 then
    if size > ${KEPT_BEYOND} then orderAnew(hash, set) end
    return
  end
  local members = {}
  for n = at, at + count - 1, 2 do
    members[#members + 1] = ARGV[n]
    members[#members + 1] = ARGV[n]
  end
  call('ZADD', set, unpack(members))
  if call('ZCARD', set) ~= size then orderAnew(hash, set) end
end
for _, order in ipairs(plan.orders) do
  local base = 1 + plan.single + #plan.multiple + plan.sets
  for n = order.removals[1], order.removals[2] do
    local hash = KEYS[base + n]
    local set = ordered(order, hash)
    if call('HLEN', hash) <= ${DROPPED_UNTIL} then call('DEL', set)
    elseif call('EXISTS', set) == 1 then call('ZREM', set, unpack(plan.calls[n], 2)) end
  end
  for n = order.single[1], order.single[2] do follow(order, KEYS[1 + n], 5 + 2 * n, 2) end
  local values = 7 + 2 * plan.single
  for n, count in ipairs(plan.multiple) do
    if n >= order.multiple[1] and n <= order.multiple[2] then
      follow(order, KEYS[1 + plan.single + n], values, count)
    end
    values = values + count
  end
end
if ARGV[4] == '' then
  call('HSET', KEYS[1], 'step', string.format('%d', ARGV[6] + 1))
else
  if task[4] then call('HDEL', KEYS[1], 'step') end
  call('HSET', KEYS[1], 'checkpoint', ARGV[4])
end
return 1
`)
