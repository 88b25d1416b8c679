/** What the stores need to know of a topology, as the plain data of stores/ports.ts. */
import type { Topology } from '../topology/define.ts'
import type { StoreLayout } from './ports.ts'

export const storeLayoutOf = (topology: Topology, application: string): StoreLayout => ({
  application,
  stores: topology.stores.map(({ name, kind }) => ({ name, kind })),
  indexes: topology.indexes,
})
