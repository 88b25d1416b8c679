/**
 * Whether a broker serves groups and transactions, asked with one FindCoordinator request per kind on a bare socket.
 * That is later than "the port is open": right after a first start the coordinators' topics do not exist yet, and being
 * asked is what makes the broker create them.
 */
import { connect } from 'node:net'

const FIND_COORDINATOR = 10
/** Version 2: the last one without tagged fields; every broker of version 4 answers it. */
const API_VERSION = 2
const GROUP = 0
const TRANSACTION = 1
const ANSWER_MS = 1_000
/** size, correlation id, throttle time, then the error code. */
const CODE_AT = 12

/** True when both coordinators answered NONE. Never throws. */
export async function brokerServes(port: number): Promise<boolean> {
  const codes = await Promise.all([findCoordinator(port, GROUP), findCoordinator(port, TRANSACTION)])
  return codes.every((code) => code === 0)
}

/** The error code of the answer; undefined when there was none. */
function findCoordinator(port: number, keyType: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let received = Buffer.alloc(0)
    const finish = (code: number | undefined): void => {
      socket.destroy()
      resolve(code)
    }
    socket.setTimeout(ANSWER_MS, () => finish(undefined))
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
    socket.on('connect', () => socket.write(request(keyType)))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= CODE_AT + 2) finish(received.readInt16BE(CODE_AT))
    })
  })
}

function request(keyType: number): Buffer {
  const name = Buffer.from('embedded-probe')
  const body = Buffer.alloc(8 + 2 + name.length + 2 + name.length + 1)
  let at = body.writeInt16BE(FIND_COORDINATOR, 0)
  at = body.writeInt16BE(API_VERSION, at)
  at = body.writeInt32BE(1, at)
  at = body.writeInt16BE(name.length, at)
  at += name.copy(body, at)
  at = body.writeInt16BE(name.length, at)
  at += name.copy(body, at)
  body.writeInt8(keyType, at)
  const frame = Buffer.alloc(4 + body.length)
  frame.writeInt32BE(body.length, 0)
  body.copy(frame, 4)
  return frame
}
