/** Turns the colours: as the system has them, light, dark. */
import { useState } from 'preact/hooks'
import { nextTheme, readTheme } from '../theme.ts'

const SIGNS = { auto: '◐', light: '☀', dark: '☾' } as const

export function ThemeButton() {
  const [theme, setTheme] = useState(readTheme)
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`Colours: ${theme}`}
      title={`Colours: ${theme}`}
      onClick={() => setTheme(nextTheme())}
    >
      <span aria-hidden="true">{SIGNS[theme]}</span>
    </button>
  )
}
