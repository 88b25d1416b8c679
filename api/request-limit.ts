/**
 * REST_REQUESTS_PER_MINUTE: how many requests one client address may make, refused ones included, for those are what somebody
 * makes who guesses a token. One count for the REST interface and the beginnings of event streams.
 */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { failure } from './rest/errors.ts'

export type RequestLimit = onRequestAsyncHookHandler

const WINDOW_MS = 60_000

/** null: there is no limit. */
export async function requestLimit(app: FastifyInstance, perMinute: number | null): Promise<RequestLimit | null> {
  if (perMinute === null) return null
  await app.register(rateLimit, {
    // By hand, so that it comes first and the count is one: what is added to routes comes behind their own checks.
    global: false,
    max: perMinute,
    timeWindow: WINDOW_MS,
    errorResponseBuilder: () => failure('rate.exceeded', `at most ${perMinute} requests a minute`),
  })
  return app.rateLimit() as RequestLimit
}
