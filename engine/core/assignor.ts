/**
 * Who gets which task: balanced to within one, and sticky, so that a rebalance moves as few tasks as it can. A member's
 * claim counts with the generation at which it held the tasks: older claims lose. Pure and deterministic.
 */

export interface MemberClaim {
  readonly memberId: string
  readonly transactionalId: string
  /** Generation at which `tasks` were held; -1 when none. */
  readonly generation: number
  readonly tasks: readonly number[]
}

export function assign(members: readonly MemberClaim[], tasks: number): ReadonlyMap<string, readonly number[]> {
  const sorted = [...members].sort((a, b) => compare(a.memberId, b.memberId))
  const assigned = new Map<string, number[]>(sorted.map((m) => [m.memberId, []]))
  if (sorted.length === 0) return assigned
  const quota = Math.floor(tasks / sorted.length)
  let larger = tasks % sorted.length
  const claimant = latestClaims(sorted, tasks)

  const free: number[] = []
  const capOf = (held: number): boolean => held < quota || (held === quota && larger > 0)
  for (let task = 0; task < tasks; task++) {
    const memberId = claimant.get(task)
    const held = memberId === undefined ? undefined : assigned.get(memberId)
    if (!held || !capOf(held.length)) {
      free.push(task)
      continue
    }
    if (held.length === quota) larger--
    held.push(task)
  }
  for (const task of free) {
    const [, least] = [...assigned].reduce((a, b) => (b[1].length < a[1].length ? b : a))
    least.push(task)
  }
  for (const held of assigned.values()) held.sort((a, b) => a - b)
  return assigned
}

function latestClaims(members: readonly MemberClaim[], tasks: number): ReadonlyMap<number, string> {
  const latest = new Map<number, { memberId: string; generation: number }>()
  for (const member of members)
    for (const task of member.tasks) {
      if (!Number.isInteger(task) || task < 0 || task >= tasks) continue
      const other = latest.get(task)
      if (!other || member.generation > other.generation)
        latest.set(task, { memberId: member.memberId, generation: member.generation })
    }
  return new Map([...latest].map(([task, claim]) => [task, claim.memberId]))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
