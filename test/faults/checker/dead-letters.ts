/** One dead letter for each record that the feed marked as bad, with its code, and none beside. */
import { headerText, type LogRecord } from '../../java/log-record.ts'
import type { BadCause, Cause } from './causes.ts'
import type { Report } from './report.ts'

const OWN = 'dead-letter.'

export function checkDeadLetters(causes: readonly Cause[], letters: readonly LogRecord[], report: Report): void {
  const bad = new Map(causes.filter((c): c is BadCause => c.kind === 'bad').map((c) => [c.at, c]))
  const seen = new Set<string>()
  for (const letter of letters) {
    const [topic, partition, offset] = ['topic', 'partition', 'offset'].map((name) => headerText(letter, OWN + name))
    const at = `${topic}-${partition}@${offset}`
    const cause = bad.get(at)
    if (seen.has(at)) report.add('doubled', `dead letter of ${at}`)
    seen.add(at)
    const reason = headerText(letter, `${OWN}reason`)
    if (!cause)
      report.add(
        'phantom',
        `dead letter of ${at}, whose record is good: ${reason} (${headerText(letter, `${OWN}message`)})`,
      )
    else checkLetter(cause, letter, reason, report)
  }
  for (const at of bad.keys())
    if (!seen.has(at)) report.add('lost', `the bad record ${at} (${bad.get(at)!.code}) has no dead letter`)
}

function checkLetter(cause: BadCause, letter: LogRecord, reason: string | undefined, report: Report): void {
  const { record, at, code } = cause
  if (reason !== code) report.add('wrong', `dead letter of ${at}: ${reason}, wanted ${code}`)
  if (!headerText(letter, `${OWN}message`)) report.add('wrong', `dead letter of ${at}: no message`)
  if (headerText(letter, `${OWN}timestamp`) !== String(record.timestampMs))
    report.add('wrong', `dead letter of ${at}: timestamp`)
  if (!same(letter.key, record.key)) report.add('wrong', `dead letter of ${at}: another key`)
  const truncated = headerText(letter, `${OWN}truncated`)
  if (truncated === undefined) {
    if (!same(letter.value, record.value)) report.add('wrong', `dead letter of ${at}: another value`)
  } else if (
    Number(truncated) !== record.value?.length ||
    !record.value.subarray(0, letter.value?.length).equals(letter.value ?? Buffer.alloc(0))
  )
    report.add('wrong', `dead letter of ${at}: cut otherwise than it says`)
  const original = letter.headers.filter(([name]) => !name.startsWith(OWN))
  const text = (headers: LogRecord['headers']): string =>
    JSON.stringify(headers.map(([n, v]) => [n, v?.toString('hex')]))
  if (text(original) !== text(record.headers)) report.add('wrong', `dead letter of ${at}: other headers`)
}

const same = (a: Buffer | null, b: Buffer | null): boolean => (a === null || b === null ? a === b : a.equals(b))
