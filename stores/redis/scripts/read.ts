/**
 * Guarded read of one slice. Values and absences count only when owner, checkpoint and step are the expected ones.
 *
 * KEYS  1 task hash, 2.. the keys to read
 * ARGV  1 owner token, 2 expected checkpoint ('' = none)
 *       3 JSON list, one number per key: fields asked of it; -1 = its value; -2 = all its fields; -3 = members of a score
 *       4 fields that all keys of kind -2 may answer together
 *       5 expected step
 *       6.. the fields, or the one score, asked for, key by key
 * reply 0 when refused; else a list, one item per key: list of values, or the one value when one field was asked for
 *       (most keys: a list in a list would cost both sides a third more); value; list of fields and values; or the number
 *       of fields of a key of kind -2 that did not fit any more; list of members
 */
import { MEMBERS_MAX } from '../../core/read-plan.ts'
import { script } from './script.ts'

export const READ_VALUE = -1
export const READ_ALL = -2
export const READ_MEMBERS = -3

export const READ = script(`
local task = redis.call('HMGET', KEYS[1], 'owner', 'checkpoint', 'step')
if task[1] ~= ARGV[1] or (task[2] or '') ~= ARGV[2] or (task[3] or '0') ~= ARGV[5] then return 0 end
local call = redis.call
local counts = cjson.decode(ARGV[3])
local room = tonumber(ARGV[4])
local at = 6
local replies = {}
for i = 1, #counts do
  local key = KEYS[i + 1]
  local count = counts[i]
  if count == 1 then
    replies[i] = call('HGET', key, ARGV[at])
    at = at + 1
  elseif count == ${READ_VALUE} then
    replies[i] = call('GET', key)
  elseif count == ${READ_ALL} then
    local fields = call('HLEN', key)
    if fields > room then
      replies[i] = fields
    else
      room = room - fields
      replies[i] = call('HGETALL', key)
    end
  elseif count == ${READ_MEMBERS} then
    replies[i] = call('ZRANGEBYSCORE', key, ARGV[at], ARGV[at], 'LIMIT', 0, ${MEMBERS_MAX})
    at = at + 1
  else
    replies[i] = call('HMGET', key, unpack(ARGV, at, at + count - 1))
    at = at + count
  end
end
return replies
`)
