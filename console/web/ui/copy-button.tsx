/** Puts a text on the clipboard, and says so for a moment. */
import { useEffect, useState } from 'preact/hooks'
import { Lines } from './scroll.tsx'

const SAID_MS = 1_600

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [said, say] = useState<'copied' | 'not allowed' | null>(null)
  useEffect(() => {
    if (said === null) return
    const timer = setTimeout(() => say(null), SAID_MS)
    return () => clearTimeout(timer)
  }, [said])
  return (
    <button
      type="button"
      class="copy"
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => {
        // Without https, and not on loopback, a browser has no clipboard for pages.
        if (navigator.clipboard === undefined) say('not allowed')
        else
          navigator.clipboard.writeText(text).then(
            () => say('copied'),
            () => say('not allowed'),
          )
      }}
    >
      <span aria-live="polite">{said ?? 'copy'}</span>
    </button>
  )
}

/** A command for a shell. */
export const Command = ({ text, what = 'the command' }: { text: string; what?: string }) => (
  <div class="command">
    <Lines label={what}>{text}</Lines>
    <CopyButton text={text} what={what} />
  </div>
)
