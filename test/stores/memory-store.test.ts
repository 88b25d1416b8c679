import { taskKeys } from '../../stores/core/keys.ts'
import { MemoryTaskCommands } from '../../stores/memory/task-commands.ts'
import { MemoryRedis } from '../../stores/memory.ts'
import { fieldOrderContract } from './field-order-contract.ts'
import { layoutOf } from './layout-fixture.ts'
import { type StoreWorld, taskStoreContract } from './task-store-contract.ts'

async function open(): Promise<StoreWorld> {
  let lose = false
  const redis = new MemoryRedis({
    fault: ({ command }) => {
      if (!lose || command !== 'write') return null
      lose = false
      return 'after'
    },
  })
  const prefix = (task: number) => `{memory-test:${task}}:`
  return {
    factory: redis.stores(layoutOf('memory-test')),
    reader: redis.reader(layoutOf('memory-test')),
    hands: {
      keys: async (task) => redis.keyspace.keys(prefix(task)).map((key) => key.slice(prefix(task).length)),
      setText: async (task, key, text) => redis.keyspace.setText(prefix(task) + key, text),
      remove: async (task, key) => void redis.keyspace.delete(prefix(task) + key),
      setField: async (task, key, field, text) => redis.keyspace.setField(prefix(task) + key, field, text),
    },
    commands: async (task) => {
      const keys = taskKeys('memory-test', task)
      return new MemoryTaskCommands(redis.keyspace, keys, async (_command, work) => work())
    },
    loseNextAnswer: async () => {
      lose = true
    },
    close: async () => {},
  }
}

taskStoreContract('memory', open)
fieldOrderContract('memory', open)
