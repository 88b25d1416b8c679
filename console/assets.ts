/**
 * The console's page at `/`, and its script and style sheet. Made when first asked for, then kept. Owns their headers: what
 * the page may load, and that it is asked for again each time but sent only when it is another.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Bundle, bundle, WEB_FOLDER } from './bundle.ts'

/** Nothing inline, nothing from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

interface Asset {
  readonly type: string
  readonly bytes: Buffer
  readonly packed: Buffer
  readonly tag: string
}

type Name = 'page' | 'script' | 'style'

export interface AssetOptions {
  /** The page could not be made. */
  readonly problem: (error: unknown) => void
  readonly entry?: string
}

export function assetRoutes(app: FastifyInstance, { problem, entry }: AssetOptions): void {
  let made: Promise<Readonly<Record<Name, Asset>>> | null = null
  const assets = (): Promise<Readonly<Record<Name, Asset>>> => {
    made ??= makeAssets(entry).catch((error: unknown) => {
      made = null
      problem(error)
      throw error
    })
    return made
  }
  const serve = (path: string, name: Name): void => {
    app.get(path, async (request, reply) => send(request, reply, (await assets())[name]))
  }
  serve('/', 'page')
  serve('/console/app.js', 'script')
  serve('/console/app.css', 'style')
}

async function makeAssets(entry: string | undefined): Promise<Readonly<Record<Name, Asset>>> {
  const [page, built] = await Promise.all([readFile(join(WEB_FOLDER, 'index.html')), bundle(entry)])
  return await namedAssets(page, built)
}

async function namedAssets(page: Buffer, { script, style }: Bundle): Promise<Readonly<Record<Name, Asset>>> {
  return {
    page: await assetOf('text/html; charset=utf-8', page),
    script: await assetOf('text/javascript; charset=utf-8', script),
    style: await assetOf('text/css; charset=utf-8', style),
  }
}

async function assetOf(type: string, bytes: Buffer): Promise<Asset> {
  const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  return { type, bytes, packed: await promisify(gzip)(bytes), tag }
}

function send({ headers }: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  reply
    .header('content-security-policy', POLICY)
    .header('cache-control', 'no-cache')
    .header('vary', 'accept-encoding')
    .header('etag', asset.tag)
  if (headers['if-none-match'] === asset.tag) return reply.status(304).send()
  reply.header('content-type', asset.type)
  const packs = /(?:^|,)\s*gzip\s*(?:,|;q=(?!0(?:\.0*)?\s*(?:,|$))|$)/i.test(String(headers['accept-encoding'] ?? ''))
  return packs ? reply.header('content-encoding', 'gzip').send(asset.packed) : reply.send(asset.bytes)
}
