import fc from 'fast-check'
import { Command } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { ScriptCommand } from '../../stores/redis/request.ts'

const SHA = 'a'.repeat(40)

describe('an encoded script call', () => {
  it('has the bytes that ioredis itself would send', () => {
    const texts = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'é'.repeat(3_000), 'x'.repeat(5_000))),
    )
    fc.assert(
      fc.property(
        texts,
        fc.array(
          fc.oneof(
            texts.map((list) => list.join('')),
            fc.integer(),
          ),
        ),
        (keys, args) => {
          const theirs = new Command('evalsha', [SHA, keys.length, ...keys, ...args], { replyEncoding: 'utf8' })
          const ours = new ScriptCommand(SHA, keys, args)
          expect(ours.toWritable().equals(Buffer.from(theirs.toWritable({})))).toBe(true)
          expect(ours.args).toEqual([])
        },
      ),
    )
  })
})
