/** Clients of the event streams over HTTP, as the tests of them need: raw text parsed, resumed by the last id, cut at will. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type Received, SseParser } from '../api/events-support.ts'

export const tenantOf = (tenant: string): Record<string, string> => ({
  TENANT_ID: tenant,
  REGION: 'GMS',
  MAJOR_VERSION: '83',
  MINOR_VERSION: '1',
})

export interface ConnectOptions {
  readonly query?: string
  readonly lastEventId?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One connection. */
export class SseConnection {
  readonly parser = new SseParser()
  readonly status: number
  body = ''
  #open = true
  readonly #response: IncomingMessage

  static connect(restUrl: string, tenant: string, options: ConnectOptions = {}): Promise<SseConnection> {
    const last: Record<string, string> = options.lastEventId ? { 'Last-Event-ID': options.lastEventId } : {}
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        `${restUrl}/events${options.query ?? ''}`,
        { agent: false, headers: { ...tenantOf(tenant), ...last, ...options.headers } },
        (response) => resolve(new SseConnection(response)),
      )
      request.on('error', reject)
      request.end()
    })
  }

  private constructor(response: IncomingMessage) {
    this.#response = response
    this.status = response.statusCode ?? 0
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      this.body += this.status === 200 ? '' : text
      if (this.status === 200) this.parser.take(text)
    })
    response.on('error', () => {})
    response.on('close', () => {
      this.#open = false
    })
  }

  get headers(): IncomingMessage['headers'] {
    return this.#response.headers
  }

  get events(): readonly Received[] {
    return this.parser.events
  }

  get isOpen(): boolean {
    return this.#open
  }

  get follows(): boolean {
    return this.parser.comments.includes('following')
  }

  /** Takes nothing more, or goes on. */
  pause(): void {
    this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  close(): void {
    this.#response.destroy()
  }
}
