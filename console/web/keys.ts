/** Keyboard shortcuts: one key, or two in a row (`g t`). Never while something is typed, or together with Ctrl, Alt or Meta. */

/** Between the two. */
const PAIR_MS = 1_200

/** Answers how to take them away again. */
export function shortcuts(actions: Readonly<Record<string, () => void>>): () => void {
  let first: { key: string; atMs: number } | null = null
  const pressed = (event: KeyboardEvent): void => {
    // Out of the search that `/` led into; a dialog has an Escape of its own.
    if (event.key === 'Escape' && event.target instanceof HTMLElement && event.target.matches('main [data-search]'))
      event.target.blur()
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return
    const now = performance.now()
    const pair = first && now - first.atMs < PAIR_MS ? `${first.key} ${event.key}` : null
    first = null
    const action = (pair ? actions[pair] : undefined) ?? actions[event.key]
    if (action) {
      event.preventDefault()
      action()
    } else first = { key: event.key, atMs: now }
  }
  document.addEventListener('keydown', pressed)
  return () => document.removeEventListener('keydown', pressed)
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.closest('input, textarea, select, dialog') !== null)
