/** The service as a process of its own, which can be killed. Owns that process; a guard ends it when the demo is gone. */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type GuardedChild, spawnGuarded } from '../embedded/guarded-child.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const READY_MS = 60_000
/** Lines of its log that are kept, to be shown when it fails. */
const LOG_LINES_MAX = 30

export class ServiceProcess {
  readonly child: GuardedChild
  /** The newest lines of its log. */
  readonly log: string[] = []
  /** Ended on purpose. */
  #expected = false

  private constructor(child: GuardedChild) {
    this.child = child
  }

  /** Resolves when every task runs. Rejects when it ends before, or is not ready in time. */
  static async start(env: NodeJS.ProcessEnv): Promise<ServiceProcess> {
    const service = new ServiceProcess(await spawnGuarded({ command: process.execPath, args: [MAIN], env }))
    await service.#ready()
    return service
  }

  get pid(): number {
    return this.child.pid
  }

  /** Rejects when it ends though nobody asked it to; else never settles. */
  get failure(): Promise<never> {
    return this.child.exited.then(({ code }) => {
      if (this.#expected) return new Promise<never>(() => {})
      throw new Error(`the service has ended by itself, exit code ${code}\n${this.log.join('\n')}`)
    })
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#expected = true
    this.child.signal(signal)
    await this.child.exited
  }

  async #ready(): Promise<void> {
    const { stdout, stderr } = this.child
    createInterface({ input: stderr! }).on('line', (line) => {
      this.log.push(line)
      if (this.log.length > LOG_LINES_MAX) this.log.shift()
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`the service is not ready after ${READY_MS} ms\n${this.log.join('\n')}`)),
        READY_MS,
      )
    })
    const ready = new Promise<void>((resolve) => {
      createInterface({ input: stdout! }).on('line', () => resolve())
    })
    try {
      await Promise.race([ready, this.failure, late])
    } catch (error) {
      await this.kill()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}
