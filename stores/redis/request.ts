/**
 * A script call as bytes of the Redis protocol. Owns the encoding of large requests; knows no scripts and no keys.
 *
 * ioredis joins four pieces of text an argument, and Node encodes the result when it is written. With the frames looked
 * up and the text encoded at once, a change costs 0.4 µs less of client CPU (1.6 → 1.2, and 2.0 → 1.6 with two index
 * entries; measured on a busy machine, side by side). Copying every argument into one Buffer by itself gained less.
 * It also means that no error of ioredis can carry the arguments (trap I6).
 */
import { Command } from 'ioredis'

/** Lengths whose frame is looked up: keys, fields and most values. */
const FRAMES = Array.from({ length: 4_096 }, (_, length) => `\r\n$${length}\r\n`)

/** EVALSHA with its request already encoded. */
export class ScriptCommand extends Command {
  readonly #bytes: Buffer

  constructor(sha: string, keys: readonly string[], args: readonly (string | number)[]) {
    super('evalsha', [], { replyEncoding: 'utf8' })
    this.#bytes = Buffer.from(encode(sha, keys, args))
  }

  override toWritable(): Buffer {
    return this.#bytes
  }
}

function encode(sha: string, keys: readonly string[], args: readonly (string | number)[]): string {
  let text = `*${3 + keys.length + args.length}\r\n$7\r\nevalsha`
  text += argument(sha)
  text += argument(String(keys.length))
  for (let n = 0; n < keys.length; n++) text += argument(keys[n]!)
  for (let n = 0; n < args.length; n++) text += argument(String(args[n]))
  return `${text}\r\n`
}

/** The end of the argument before is part of the frame. */
function argument(text: string): string {
  const length = Buffer.byteLength(text)
  return (FRAMES[length] ?? `\r\n$${length}\r\n`) + text
}
