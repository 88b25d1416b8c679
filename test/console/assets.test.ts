/** The page and what it loads: made once, sent again only when it is another, and nothing else fails when it cannot be made. */
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createBaseApp } from '../../api/base-app.ts'
import { Health } from '../../api/health.ts'
import { Metrics } from '../../api/metrics.ts'
import { assetRoutes } from '../../console/assets.ts'

async function serving(entry?: string) {
  const problems: unknown[] = []
  const app = await createBaseApp({ health: new Health(), metrics: new Metrics('app'), problem: () => {} })
  assetRoutes(app, { problem: (error) => void problems.push(error), ...(entry === undefined ? {} : { entry }) })
  onTestFinished(() => app.close())
  return { app, problems, get: (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers }) }
}

describe('the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/console/app.js', 'text/javascript; charset=utf-8'],
    ['/console/app.css', 'text/css; charset=utf-8'],
  ])('%s: its type, no inline script, packed on demand, and only when it is another', async (path, type) => {
    const { get } = await serving()
    const plain = await get(path)
    expect(plain.statusCode).toBe(200)
    expect(plain.headers).toMatchObject({ 'content-type': type, 'cache-control': 'no-cache' })
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.rawPayload.length).toBeGreaterThan(100)
    const policy = String(plain.headers['content-security-policy'])
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
      expect(policy.split('; ')).toContain(rule)
    expect(policy).not.toContain('unsafe')
    const packed = await get(path, { 'accept-encoding': 'br, gzip' })
    expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
    expect(gunzipSync(packed.rawPayload)).toEqual(plain.rawPayload)
    expect((await get(path, { 'accept-encoding': 'gzip;q=0' })).headers['content-encoding']).toBeUndefined()
    const tag = String(plain.headers['etag'])
    const same = await get(path, { 'if-none-match': tag })
    expect([same.statusCode, same.body]).toEqual([304, ''])
    expect((await get(path, { 'if-none-match': '"another"' })).statusCode).toBe(200)
  })

  test('loads nothing but its own script and style, and has nothing inline', async () => {
    const { get } = await serving()
    const { body } = await get('/')
    const loaded = [...body.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, target]) => target!)
    expect(loaded).toContain('/console/app.js')
    expect(loaded.filter((target) => !/^(\/console\/app\.(js|css)|data:)/.test(target))).toEqual([])
    expect(body).not.toMatch(/<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=/i)
  })

  test('that cannot be made is 500 for it alone, and told', async () => {
    const { get, problems } = await serving(join(import.meta.dirname, 'no-such-entry.tsx'))
    expect((await get('/console/app.js')).statusCode).toBe(500)
    expect(problems).toHaveLength(1)
    expect((await get('/livez')).statusCode).toBe(200)
  })

  test('has no source map and no file beside it', async () => {
    const { get } = await serving()
    for (const path of ['/console/app.js.map', '/console/', '/console/../package.json', '/console/main.tsx'])
      expect((await get(path)).statusCode).toBe(404)
    expect((await get('/console/app.js')).body).not.toContain('sourceMappingURL')
  })
})
