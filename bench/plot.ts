/** A plot of lines as SVG text, readable on light and dark pages. */
export interface Axes {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
}

export type Points = readonly { readonly x: number; readonly y: number }[]

export interface Series {
  readonly name: string
  readonly points: Points
}

const WIDTH = 720
const HEIGHT = 320
const LEFT = 70
const BOTTOM = 44
const TOP = 36
const LEGEND_HEIGHT = 22
const LEGEND_LEFT = 16
const LEGEND_WIDTH = 174
const RIGHT = 16

/** Each line has a dash and a colour of its own, so that they are told apart without colours, too. */
const DASHES = ['', '7 4', '2 3', '10 3 2 3']

export const plotLine = ({ points, ...axes }: Axes & { readonly points: Points }): string =>
  plotLines({ ...axes, series: [{ name: '', points }] })

/** Up to four lines, with their names below the title. */
export function plotLines({ title, xLabel, yLabel, series }: Axes & { readonly series: readonly Series[] }): string {
  const legend = series.filter(({ name }) => name !== '')
  const top = TOP + (legend.length > 0 ? LEGEND_HEIGHT : 0)
  const all = series.flatMap(({ points }) => points)
  const xMax = niceCeiling(Math.max(...all.map((p) => p.x), 1))
  const yMax = niceCeiling(Math.max(...all.map((p) => p.y), 1))
  const x = (v: number): number => LEFT + (v / xMax) * (WIDTH - LEFT - RIGHT)
  const y = (v: number): number => HEIGHT - BOTTOM - (v / yMax) * (HEIGHT - BOTTOM - top)
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  const path = (points: Points): string =>
    points.map((p, i) => `${i === 0 ? 'M' : 'L'}${x(p.x).toFixed(1)} ${y(p.y).toFixed(1)}`).join('')
  const legendX = (at: number): number => LEGEND_LEFT + LEGEND_WIDTH * at
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}" font-family="system-ui, sans-serif" font-size="12">
<style>.t{fill:#444}.g{stroke:#ccc}.l0{stroke:#0b62d6}.l1{stroke:#b3420a}.l2{stroke:#6b3fa0}.l3{stroke:#1a7f37}@media(prefers-color-scheme:dark){.t{fill:#ccc}.g{stroke:#444}.l0{stroke:#6aa9ff}.l1{stroke:#ffa066}.l2{stroke:#c39bff}.l3{stroke:#5fd17f}}</style>
<text class="t" x="${LEFT}" y="20" font-size="14" font-weight="600">${title}</text>
${ticks.map((t) => `<line class="g" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(t * yMax)}" y2="${y(t * yMax)}"/><text class="t" x="${LEFT - 8}" y="${y(t * yMax) + 4}" text-anchor="end">${(t * yMax).toLocaleString('en')}</text>`).join('\n')}
${ticks.map((t) => `<text class="t" x="${x(t * xMax)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${(t * xMax).toLocaleString('en')}</text>`).join('\n')}
<text class="t" x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xLabel}</text>
<text class="t" x="14" y="${(top + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(top + HEIGHT - BOTTOM) / 2})">${yLabel}</text>
${series.map(({ points }, at) => `<path class="l${at}" d="${path(points)}" fill="none" stroke-width="2" stroke-dasharray="${DASHES[at]}"/>`).join('\n')}
${legend.map(({ name }, at) => `<line class="l${at}" x1="${legendX(at)}" x2="${legendX(at) + 22}" y1="${top - 17}" y2="${top - 17}" stroke-width="2" stroke-dasharray="${DASHES[at]}"/><text class="t" x="${legendX(at) + 28}" y="${top - 13}">${name}</text>`).join('\n')}
</svg>
`
}

function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 5, 8, 10].map((m) => m * power).find((v) => v >= value) ?? value
}
