/** Ports on the loopback interface: free ones, and waiting for one to become free. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { StackError } from './errors.ts'

/**
 * Below every system's range of ephemeral ports (Linux from 32,768, macOS from 49,152). A port from inside that range,
 * as listening on port 0 gives, may be taken by any outgoing connection while the server restarts, and a client that
 * keeps dialling it can even connect to itself.
 */
const PORT_MIN = 20_000
const PORT_MAX = 32_000
const TRIES = 100
/** A server that has just been killed may hold its port for a moment. */
const RELEASE_MS = 3_000

/** As many different free ports as asked for. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tries = 0; ports.size < count && tries < TRIES; tries += 1) {
    const port = randomInt(PORT_MIN, PORT_MAX)
    if (await portFree(port)) ports.add(port)
  }
  if (ports.size < count) {
    throw new StackError('stack.port_in_use', `No free port between ${PORT_MIN} and ${PORT_MAX}.`, 'Name the ports.')
  }
  return [...ports]
}

/** Resolves when the port can be listened on; throws StackError `stack.port_in_use` after `waitMs`. */
export async function requirePort(port: number, name: string, waitMs = RELEASE_MS): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!(await portFree(port))) {
    if (performance.now() >= deadline) {
      throw new StackError(
        'stack.port_in_use',
        `Port ${port} for ${name} is in use.`,
        `Stop what listens there, or choose another one (EMBEDDED_${name.toUpperCase()}_PORT).`,
      )
    }
    await sleep(50)
  }
}

function portFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
