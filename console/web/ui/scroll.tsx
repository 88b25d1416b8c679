/** What may be wider than its place, or higher: it scrolls by itself, and can be reached by keyboard for that. */
import type { ComponentChildren } from 'preact'

export const Scroll = (props: { label: string; class?: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls what it can focus
  <section class={`scroll ${props.class ?? ''}`} tabIndex={0} aria-label={props.label}>
    {props.children}
  </section>
)

/** Text that scrolls. */
export const Lines = (props: { label: string; class?: string; children: ComponentChildren }) => (
  <Scroll label={props.label} class={`lines ${props.class ?? ''}`}>
    <pre>{props.children}</pre>
  </Scroll>
)
