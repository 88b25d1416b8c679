/** Where the page begins: the styles, the theme, the token out of the address, the app. */
import 'uplot/dist/uPlot.min.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/parts.css'
import './styles/overview.css'
import './styles/topology.css'
import './styles/tasks.css'
import './styles/task-detail.css'
import './styles/state.css'
import './styles/dead-letters.css'
import './styles/events.css'
import './styles/health.css'
import { render } from 'preact'
import { App } from './app.tsx'
import { takeTokenFromAddress } from './session.ts'
import { applyTheme } from './theme.ts'

applyTheme()
takeTokenFromAddress()
// Before the app listens, so that it sees the address without the token.
window.addEventListener('hashchange', takeTokenFromAddress)
const root = document.getElementById('app')
if (root) {
  root.textContent = ''
  render(<App />, root)
}
