/** Light, dark, or as the system has it; kept in the browser. */
export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'tributary.theme'
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }

export function readTheme(): Theme {
  const stored = localStorage.getItem(KEY)
  return stored === 'light' || stored === 'dark' ? stored : 'auto'
}

export function applyTheme(theme: Theme = readTheme()): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

export function nextTheme(): Theme {
  const theme = NEXT[readTheme()]
  if (theme === 'auto') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, theme)
  applyTheme(theme)
  // Charts are painted, not styled: they ask for the colours again.
  window.dispatchEvent(new Event('themechange'))
  return theme
}
