/** A rule that a history has broken. `rule` is one of I1 to I12 of the guarantee, or `crash` for what no rule foresees. */
export class Violation extends Error {
  readonly rule: string
  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`)
    this.name = 'Violation'
    this.rule = rule
  }
}
