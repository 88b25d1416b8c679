import { ReplyError } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { StoreLost } from '../../stores/ports.ts'
import { MESSAGE_CHARACTERS_MAX, mask, toStoreLost } from '../../stores/redis/errors.ts'

const reply = (message: string): Error => new ReplyError(message)

describe('errors of Redis', () => {
  it.each([
    [
      'WRONGTYPE Operation against a key holding the wrong kind of value script: f0, on @user_script:5.',
      'redis.wrongtype',
    ],
    ['ERR Error running script (call to f_1): @user_script:5: WRONGTYPE Operation against a key', 'redis.wrongtype'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'redis.memory'],
    ['NOSCRIPT No matching script.', 'redis.noscript'],
    ['NOAUTH Authentication required.', 'redis.auth'],
    ['NOPERM this user has no permissions to run the command', 'redis.auth'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'redis.auth'],
    ["READONLY You can't write against a read only replica.", 'redis.readonly'],
    ['LOADING Redis is loading the dataset in memory', 'redis.loading'],
    ['MISCONF Redis is configured to save RDB snapshots', 'redis.misconf'],
    ['BUSY Redis is busy running a script.', 'redis.busy'],
    ['MOVED 3999 127.0.0.1:6381', 'redis.cluster'],
    ['EXECABORT Transaction discarded because of previous errors.', 'redis.aborted'],
    ['ERR something else', 'redis.reply'],
  ])('%s', (message, code) => {
    expect(toStoreLost(reply(message))).toMatchObject({ name: 'StoreLost', code })
  })

  it('take everything else for a lost connection, and leave their own as they are', () => {
    expect(toStoreLost(new Error('Connection is closed.'))).toMatchObject({ code: 'redis.connection' })
    expect(toStoreLost('text')).toMatchObject({ code: 'redis.connection' })
    const own = new StoreLost('redis.timeout', 'late')
    expect(toStoreLost(own)).toBe(own)
  })

  it('say nothing of arguments, credentials or further lines', () => {
    expect(mask("ERR unknown command 'X', with args beginning with: 'secret' ")).toBe('ERR unknown command …')
    expect(mask('connect to rediss://user:secret@host:1 failed')).toBe('connect to rediss://…@host:1 failed')
    expect(mask('ERR value "secret" is bad\nsecret')).toBe('ERR value … is bad')
    expect(mask('x'.repeat(1_000))).toHaveLength(MESSAGE_CHARACTERS_MAX + 1)
    expect(toStoreLost(Object.assign(reply('ERR'), { command: { args: ['secret'] } })).cause).toBeUndefined()
  })
})
