/** What the demo uses of cli-progress 3.12, which ships no types. Source: its README. */
declare module 'cli-progress' {
  export interface Options {
    readonly format?: string
    readonly barsize?: number
    readonly hideCursor?: boolean
    readonly clearOnComplete?: boolean
    readonly stopOnComplete?: boolean
    readonly emptyOnZero?: boolean
    readonly gracefulExit?: boolean
    readonly fps?: number
    readonly stream?: NodeJS.WritableStream
  }

  export interface Bar {
    update(value: number, payload?: Readonly<Record<string, unknown>>): void
    setTotal(total: number): void
  }

  export class MultiBar {
    constructor(options: Options, preset?: unknown)
    create(total: number, startValue: number, payload?: Readonly<Record<string, unknown>>, options?: Options): Bar
    /** A line above the bars; must end with a line end. */
    log(line: string): void
    stop(): void
  }

  const cliProgress: {
    MultiBar: typeof MultiBar
    Presets: Readonly<Record<'legacy' | 'shades_classic' | 'rect', unknown>>
  }
  export default cliProgress
}
