/**
 * Guarded read of one page of a hash that is too large for one reply.
 *
 * KEYS  1 task hash, 2 the hash
 * ARGV  1 owner token, 2 expected checkpoint ('' = none), 3 cursor ('0' begins), 4 fields a page, roughly, 5 expected step
 * reply 0 when refused; else [next cursor ('0' = complete), list of fields and values]
 */
import { script } from './script.ts'

export const SCAN_HASH = script(`
local task = redis.call('HMGET', KEYS[1], 'owner', 'checkpoint', 'step')
if task[1] ~= ARGV[1] or (task[2] or '') ~= ARGV[2] or (task[3] or '0') ~= ARGV[5] then return 0 end
return redis.call('HSCAN', KEYS[2], ARGV[3], 'COUNT', ARGV[4])
`)
