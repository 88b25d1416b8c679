/** Bugs at the store: guards, order of writes, state versions. */
import { type Bug, bug, edit } from './edit.ts'

const STORE = 'stores/task-store.ts'
const COMMANDS = 'stores/memory/task-commands.ts'
/** The step catches what each of some mistakes would do: those are seeded with it off. */
const NO_STEP = edit(COMMANDS, "if ((this.#field('step') ?? '0') !== String(guard.step)) return false", '')

export const STORE_BUGS: readonly Bug[] = [
  bug(
    'checkpoint set after a failed chunk',
    edit(
      STORE,
      '        this.#granted(await sent)\n        from = end',
      '        this.#granted(end === changes.length ? await sent : await sent.catch(() => true))\n        from = end',
    ),
    NO_STEP,
  ),
  bug(
    'checkpoint set before the writes',
    edit(
      COMMANDS,
      '      carryOut(this.#keyspace, plan)\n      this.#mark(guard, checkpoint)\n',
      '      this.#mark(guard, checkpoint)\n      carryOut(this.#keyspace, plan)\n',
    ),
  ),
  bug(
    'EXEC reply ignored',
    edit(
      STORE,
      '        this.#granted(await sent)\n        from = end',
      '        await sent.catch(() => true)\n        from = end',
    ),
    NO_STEP,
  ),
  bug(
    'write without comparing',
    edit(
      COMMANDS,
      "    return this.#carry('write', () => {\n      if (!this.#holds(guard)) return false\n",
      "    return this.#carry('write', () => {\n      void guard\n",
    ),
  ),
  bug('guards without the step', NO_STEP),
  bug(
    'reads without the checkpoint',
    edit(
      COMMANDS,
      "    return this.#carry('read', () => {\n      if (!this.#holds(guard)) return null\n",
      "    return this.#carry('read', () => {\n      if (this.#field('owner') !== guard.token) return null\n",
    ),
  ),
  // What the guard expects is looked up when the script runs, not when it was sent.
  bug(
    'read compared with a write sent after it',
    edit(
      STORE,
      'commands.read(this.#guard(), slice.keys)',
      'commands.read(((own: any, guard: any) => ({ ...guard, get checkpoint() { return own() } }))(() => this.#expected, this.#guard()), slice.keys)',
    ),
  ),
  bug(
    'rebuild versions shared by two',
    edit('test/simulation/model/redis.ts', '    this.#versions++\n', '    this.#versions = 1\n'),
  ),
  bug(
    'live version unlinked after a rollback',
    edit(COMMANDS, 'version === live || version === building', 'version === building'),
  ),
  bug(
    'version under construction swept',
    edit(COMMANDS, 'version === live || version === building', 'version === live'),
    edit(
      COMMANDS,
      "      if (this.#field('owner') !== token || (checkpoint !== null && live === null)) return false\n      const building",
      '      void token\n      const building',
    ),
  ),
]
