/** Bugs of membership: who may still commit what. */
import { type Bug, bug, edit } from './edit.ts'

const OWNERSHIP = 'engine/core/ownership.ts'
const INSTANCE = 'engine/instance.ts'
const LANE_DRIVER = 'engine/lane-driver.ts'

export const GROUP_BUGS: readonly Bug[] = [
  // TxnOffsetCommit without member and generation: the broker then checks neither.
  bug(
    'no fencing',
    edit(
      'testing/kafka/transaction-client.ts',
      'const code = group.checkCommit(membership)',
      'const code: number = membership ? 0 : 0',
    ),
  ),
  bug(
    'task kept across a generation that it missed',
    edit(
      OWNERSHIP,
      'next.membership.generation === before.membership.generation + 1',
      'next.membership.generation > before.membership.generation',
    ),
  ),
  bug(
    'task kept under a new member id',
    edit(OWNERSHIP, '    before.membership.memberId === next.membership.memberId &&\n', ''),
    edit(
      OWNERSHIP,
      'next.membership.generation === before.membership.generation + 1',
      'next.membership.generation > before.membership.generation',
    ),
    edit(
      'engine/core/membership.ts',
      "    this.current = null\n    this.phase = 'joining'\n    return [{ kind: 'all-lost', reason }, this.#join(0)]",
      "    this.phase = 'joining'\n    return reason ? [this.#join(0)] : []",
    ),
  ),
  bug(
    'generation taken at the JoinGroup answer',
    edit(
      'engine/membership-driver.ts',
      "        this.#reason = 'rebalance'\n",
      "        this.#reason = 'rebalance'\n        if (answer.code === 0 && this.ownership) this.ownership = { ...this.ownership, membership: { memberId: answer.memberId, generation: answer.generation, instanceId } }\n",
    ),
    edit(
      OWNERSHIP,
      'next.membership.generation === before.membership.generation + 1',
      'next.membership.generation === before.membership.generation',
    ),
  ),
  bug(
    "a lost task's batch committed under the new generation",
    edit(
      INSTANCE,
      "      this.#lane.remove(number)\n      this.tasks.get(number)?.lost('assigned to another member')\n",
      '',
    ),
    edit(LANE_DRIVER, 'ownership.tasks.has(number) ? task.offer() : null', 'task.offer()'),
  ),
]
