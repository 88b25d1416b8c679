/** The original bytes of a value: as text, as JSON on lines, as a hex dump; and to be saved as they are. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { ApiError, failureOf, headers, url } from '../../api.ts'
import { bytes as bytesText } from '../../format.ts'
import { CopyButton } from '../copy-button.tsx'
import { Empty, Failure, Foreign, Loading, Panel } from '../parts.tsx'
import { Pick } from '../pick.tsx'
import { Lines } from '../scroll.tsx'
import { fileName, hexDump, indentJson, utf8Of } from './bytes.ts'

/** A browser shows more than this only slowly. */
const SHOWN_MAX = 64 * 1_024
const HEX_SHOWN_MAX = 16 * 1_024

type Form = 'text' | 'json' | 'hex'

export function BytesView({ at, path, isNull }: { at: string; path: string; isNull: boolean }) {
  const { bytes, error, again } = useBytes(isNull ? null : path)
  const text = useMemo(() => bytes && utf8Of(bytes), [bytes])
  const json = useMemo(() => (text === null ? null : indentJson(text)), [text])
  const [picked, pick] = useState<Form | null>(null)
  const form: Form = picked ?? (json !== null ? 'json' : text !== null ? 'text' : 'hex')
  const shown = useMemo(() => {
    if (bytes === null) return ''
    if (form === 'hex') return hexDump(bytes, HEX_SHOWN_MAX)
    const whole = form === 'json' ? (json ?? '') : (text ?? '')
    return whole.slice(0, SHOWN_MAX)
  }, [bytes, text, json, form])
  if (isNull)
    return (
      <Panel title="Value">
        <Empty>The value is null.</Empty>
      </Panel>
    )
  const isCut =
    bytes !== null &&
    (form === 'hex' ? bytes.length > HEX_SHOWN_MAX : shown.length < (form === 'json' ? json : text)!.length)
  return (
    <Panel
      title={bytes === null ? 'Value' : `Value, ${bytesText(bytes.length)}`}
      actions={
        bytes && (
          <>
            <Pick<Form>
              label="How it is shown"
              value={form}
              options={[
                { value: 'json', label: 'JSON', disabled: json === null ? 'It is no JSON' : null },
                { value: 'text', label: 'Text', disabled: text === null ? 'It is no UTF-8' : null },
                { value: 'hex', label: 'Hex' },
              ]}
              pick={pick}
            />
            {text !== null && <CopyButton text={text} what="the value" />}
            <button type="button" onClick={() => save(bytes, fileName(at, json !== null))}>
              Download
            </button>
          </>
        )
      }
    >
      {error ? (
        <div class="body">
          <Failure error={error} again={again} />
        </div>
      ) : bytes === null ? (
        <Loading what="the bytes" />
      ) : bytes.length === 0 ? (
        <Empty>It is empty: no bytes.</Empty>
      ) : (
        <>
          <Lines class={`bytes ${form}`} label={`Value as ${form}`}>
            <Foreign text={shown} />
          </Lines>
          {isCut && <p class="foot soft">The beginning is shown; the download has all of it.</p>}
          {text === null && <p class="foot soft">It is no UTF-8, so there is no text of it.</p>}
        </>
      )}
    </Panel>
  )
}

function useBytes(path: string | null): {
  bytes: Uint8Array<ArrayBuffer> | null
  error: ApiError | null
  again: () => void
} {
  const [state, setState] = useState<{ bytes: Uint8Array<ArrayBuffer> | null; error: ApiError | null }>({
    bytes: null,
    error: null,
  })
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (path === null) return
    const controller = new AbortController()
    setState({ bytes: null, error: null })
    const read = async (): Promise<void> => {
      try {
        const response = await fetch(url(path), { headers: headers(), signal: controller.signal })
        if (!response.ok) throw await failureOf(response)
        setState({ bytes: new Uint8Array(await response.arrayBuffer()), error: null })
      } catch (error) {
        if (controller.signal.aborted) return
        const told = error instanceof ApiError ? error : new ApiError(0, 'unreachable', 'the service cannot be reached')
        setState({ bytes: null, error: told })
      }
    }
    void read()
    return () => controller.abort()
  }, [path, round])
  return { ...state, again: () => setRound((n) => n + 1) }
}

function save(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
