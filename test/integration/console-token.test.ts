/** The process as `npm start` runs it, with tasks that do not run: whoever must mend it gets the console's address and token. */
import { expect, test } from 'vitest'
import { position } from '../../engine/core/numbers.ts'
import { commitOffsets } from '../../operations/offsets.ts'
import { run, until } from '../embedded/support.ts'
import { CliWorld, create } from './cli-support.ts'

test('the address with the token is told though every task has stopped; stdout stays empty', async () => {
  const world = await CliWorld.open()
  try {
    await world.start()
    await world.send([1, 2, 4, 7, 8, 9].map((character) => create(character, 99, 'a')))
    await world.settled()
    await world.stop()
    const topic = world.config.COMMAND_TOPIC_NOTE
    const offsets = [0, 1].map((partition) => ({ topic, partition, position: position(0) }))
    await commitOffsets({ kafka: world.kafka, groupId: world.config.KAFKA_CONSUMER_GROUP }, offsets)
    const program = run(['main.ts'], world.env)
    await until('a task has stopped', () => /offsets\.mismatch/.test(program.stderr))
    await until('the address is told', () => /^console: /m.test(program.stderr))
    const [, address, token] = /^console: (http:\S+\/)#token=(\S+)$/m.exec(program.stderr)!
    const answer = await fetch(`${address}api/operator/session`, { headers: { authorization: `Bearer ${token}` } })
    expect(await answer.json()).toMatchObject({ canAct: true })
    expect(program.stdout).toBe('')
    program.process.kill('SIGTERM')
    expect(await program.exit).toBe(0)
  } finally {
    await world.close()
  }
})
