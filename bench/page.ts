/** The benchmark page: each benchmark writes its own section, between its markers, and says on which machine. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

const PAGE = new URL('../docs/benchmarks.md', import.meta.url)

export const machineText = (sharedWith: string): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, shared with ${sharedWith}`

export function writeSection(name: string, text: string): void {
  const page = readFileSync(PAGE, 'utf8')
  const section = `<!-- ${name} -->\n${text}\n<!-- /${name} -->`
  writeFileSync(
    PAGE,
    page.replace(new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`), () => section),
  )
}
