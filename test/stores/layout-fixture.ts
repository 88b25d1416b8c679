/** A layout with both kinds of store, two indexes and an order of fields. */
import { offset } from '../../engine/core/numbers.ts'
import type { Change, Checkpoint, OwnerLabel, StoreLayout } from '../../stores/ports.ts'

export function layoutOf(application: string): StoreLayout {
  return {
    application,
    stores: [
      { name: 'notes', kind: 'map' },
      { name: 'totals', kind: 'value' },
      { name: 'moves', kind: 'map' },
    ],
    indexes: [
      {
        name: 'by-tenant',
        store: 'notes',
        group: () => 'tenant',
        member: (key, field) => `${key}:${field}`,
        score: (_key, field) => Number.parseInt(field, 10) || 0,
        isFieldOrder: false,
      },
      {
        name: 'by-character',
        store: 'notes',
        group: (key) => key,
        member: (_key, field) => field,
        score: (_key, field) => Number.parseInt(field, 10) || 0,
        isFieldOrder: false,
      },
      {
        name: 'move-order',
        store: 'moves',
        group: (key) => key,
        member: (_key, field) => field,
        score: (_key, field) => Number(field),
        isFieldOrder: true,
      },
    ],
  }
}

export function ownerOf(token: string): OwnerLabel {
  return {
    token,
    instance: `instance-${token}`,
    transactionalId: `tx-${token}`,
    clusterId: 'cluster-1',
    changelogTopicId: 'topic-1',
  }
}

export function checkpointOf(batch: number, stateVersion: string): Checkpoint {
  return {
    batch,
    offset: offset(batch * 10),
    firstOffset: offset(batch * 10 - 5),
    committedAtMs: 1_700_000_000_000 + batch,
    clusterId: 'cluster-1',
    changelogTopicId: 'topic-1',
    stateVersion,
    counters: { 'note-sequence': batch },
    published: { out: { '0': batch } },
    positions: { in: { '0': batch * 3 } },
  }
}

export function note(key: string, field: string, json: string | null): Change {
  return { store: 'notes', key, field, json }
}

export function move(key: string, field: number, json: string | null = '{}'): Change {
  return { store: 'moves', key, field: String(field), json }
}

export function total(key: string, json: string | null): Change {
  return { store: 'totals', key, field: null, json }
}

/** As the notes of a busy minute: few notes a character. */
export function manyNotes(count: number, characters = 1_000): Change[] {
  return Array.from({ length: count }, (_, id) =>
    note(String((id * 7919) % characters), String(id), `{"noteId":${id}}`),
  )
}
