/**
 * The page's script and style sheet, out of console/web: bundled in memory, nothing is written. Owns esbuild's process, which
 * ends with the last build that is under way.
 */
import { join } from 'node:path'
import { build, stop } from 'esbuild'

export const WEB_FOLDER = join(import.meta.dirname, 'web')

export interface Bundle {
  readonly script: Buffer
  readonly style: Buffer
}

let building = 0

/** Rejects with esbuild's BuildFailure. About 50 ms. */
export async function bundle(entry = join(WEB_FOLDER, 'main.tsx')): Promise<Bundle> {
  building++
  try {
    return await built(entry)
  } finally {
    // esbuild keeps its process for the next build, some 20 MB of it, and here none follows. The next one would start another.
    if (--building === 0) await stop()
  }
}

async function built(entry: string): Promise<Bundle> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outdir: 'console',
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: {},
    legalComments: 'none',
    logLevel: 'silent',
  })
  const of = (end: string): Buffer =>
    Buffer.from(outputFiles.find(({ path }) => path.endsWith(end))?.contents ?? new Uint8Array())
  return { script: of('.js'), style: of('.css') }
}
