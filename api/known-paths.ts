/** Which paths there are and by which methods, learned from the routes: what tells a wrong method from a wrong path. */
import type { FastifyInstance } from 'fastify'
import { type ApiFailure, failure } from './rest/errors.ts'

export class KnownPaths {
  readonly #paths = new Map<string, { readonly form: RegExp; readonly methods: Set<string> }>()

  /** Hears of every route that is registered from here on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      const form = new RegExp(`^${url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')}$`)
      const known = this.#paths.get(url) ?? { form, methods: new Set<string>() }
      for (const one of [method].flat()) known.methods.add(one)
      this.#paths.set(url, known)
    })
  }

  /** Why no route was found. */
  failureFor(method: string, url: string): ApiFailure {
    const path = url.split('?', 1)[0]!
    for (const { form, methods } of this.#paths.values()) {
      if (!form.test(path)) continue
      const allow = [...methods].sort().join(', ')
      return failure('method.not_allowed', `${method} is not allowed here; ${allow} are`, undefined, { allow })
    }
    return failure('route.unknown', 'there is nothing at this path')
  }
}
