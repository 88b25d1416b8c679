/** What mends something, with its commands ready to be copied. */
import { CopyButton } from './copy-button.tsx'
import { Foreign } from './parts.tsx'
import { remedyParts } from './remedy-parts.ts'

export const Remedy = ({ text }: { text: string }) => (
  <span class="mending">
    {remedyParts(text).map((part, at) =>
      part.kind === 'text' ? (
        <Foreign key={at} text={part.text} />
      ) : (
        <span key={at} class="inline-command">
          <code>{part.text}</code>
          <CopyButton text={part.text} what={part.text} />
        </span>
      ),
    )}
  </span>
)
