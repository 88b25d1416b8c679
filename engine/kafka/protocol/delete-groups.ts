/** DeleteGroups v2 of one group, with everything that it has committed. NON_EMPTY_GROUP while it has members. */
import { deleteGroupsV2 } from '@platformatic/kafka'
import type { Code } from '../../ports.ts'
import type { Api } from './api.ts'

export const deleteGroupsApi: Api<{ readonly groupId: string }, Code | null> = {
  name: 'DeleteGroups',
  key: 42,
  version: 2,
  encode({ groupId }) {
    return deleteGroupsV2.createRequest([groupId])
  },
  decode(answer) {
    answer.int32() // throttle time
    const groups = answer.structs((reader) => {
      reader.string() // group id
      return reader.int16()
    })
    return groups[0] ?? null
  },
}
