/** Sends the players' commands as other services of the game do: JSON, tenant headers, not always to the home partition. */

import { setTimeout as sleep } from 'node:timers/promises'
import { encodeHeaders } from '../engine/core/headers.ts'
import { classify, nameOf } from '../engine/core/kafka-errors.ts'
import { partitionFor } from '../engine/core/murmur2.ts'
import { partitionName } from '../engine/core/plan.ts'
import type { Publisher } from '../engine/ports.ts'
import { PLAIN_STAMP, RecordBatchBuilder } from '../engine/wire/record-batch-builder.ts'
import { characterKey } from '../topology/notes/key.ts'
import type { BadKind, PlannedNote } from './day.ts'
import { changedText } from './day.ts'
import type { SentCommand } from './ledger.ts'

interface Outgoing {
  readonly topic: string
  readonly partition: number
  readonly characterId: number
  readonly headers: Buffer
  readonly value: string
  /** Of the record's place in the log, once it is known. */
  readonly sent: (origin: string) => SentCommand
}

export interface PostOptions {
  readonly publisher: Publisher
  readonly commandTopic: string
  readonly statusTopic: string
  readonly partitions: number
}

const TRIES_MAX = 200
const PAUSE_MS = 50
const BAD: Readonly<Record<BadKind, { value: string; reason: string }>> = {
  'not-json': { value: '{"type":"CREATE",', reason: 'value.not_json' },
  'unknown-type': { value: '{"type":"DANCE","characterId":1001,"body":{}}', reason: 'command.unknown_type' },
  'no-tenant': {
    value: '{"type":"CREATE","characterId":1001,"body":{"senderId":1002,"message":"?"}}',
    reason: 'headers.tenant_invalid',
  },
}

export class Post {
  /** In order; what the count is taken from. */
  readonly commands: SentCommand[] = []
  readonly #options: PostOptions
  #outgoing: Outgoing[] = []

  constructor(options: PostOptions) {
    this.#options = options
  }

  create(note: PlannedNote): void {
    const { owner, sender, message, flag, transactionId, astray } = note
    const home = partitionFor(characterKey(owner.id), this.#options.partitions)
    const command = { transactionId, ...common(owner.id, 'CREATE'), body: { senderId: sender.id, message, flag } }
    const facts = { transactionId, tenantId: owner.tenantId, characterId: owner.id, senderId: sender.id, message, flag }
    this.#add(owner.tenantId, owner.id, command, { kind: 'create', ...facts }, home + Number(astray))
  }

  update({ owner, message }: PlannedNote, noteId: number): void {
    const text = changedText(message)
    const command = { ...common(owner.id, 'UPDATE'), body: { noteId, message: text } }
    this.#add(owner.tenantId, owner.id, command, {
      kind: 'update',
      tenantId: owner.tenantId,
      characterId: owner.id,
      noteId,
      message: text,
    })
  }

  discard(tenantId: string, characterId: number, noteIds: readonly number[]): void {
    const command = { ...common(characterId, 'DISCARD'), body: { noteIds } }
    this.#add(tenantId, characterId, command, { kind: 'discard', tenantId, characterId, noteIds })
  }

  leave(tenantId: string, characterId: number): void {
    const value = JSON.stringify({ worldId: 0, characterId, type: 'DELETED', body: {} })
    const partition = partitionFor(characterKey(characterId), this.#options.partitions)
    const sent = (): SentCommand => ({ kind: 'leave', tenantId, characterId })
    this.#outgoing.push({
      topic: this.#options.statusTopic,
      partition,
      characterId,
      headers: headersOf(tenantId),
      value,
      sent,
    })
  }

  bad(kind: BadKind, tenantId: string): void {
    const { value, reason } = BAD[kind]
    const headers = kind === 'no-tenant' ? encodeHeaders([]) : headersOf(tenantId)
    const sent = (origin: string): SentCommand => ({ kind: 'bad', reason, origin })
    this.#outgoing.push({ topic: this.#options.commandTopic, partition: 0, characterId: 1_001, headers, value, sent })
  }

  /** Sends what was collected. Throws when it cannot be sent, or when nobody knows whether it was. */
  async deliver(): Promise<void> {
    const waiting = new Map<string, Outgoing[]>()
    for (const outgoing of this.#outgoing) {
      const name = partitionName(outgoing)
      const list = waiting.get(name)
      if (list) list.push(outgoing)
      else waiting.set(name, [outgoing])
    }
    this.#outgoing = []
    for (let tries = 0; waiting.size > 0; tries++) {
      if (tries > 0) await sleep(PAUSE_MS)
      const answers = await this.#options.publisher.publish([...waiting.values()].map(batchOf))
      for (const { topic, partition, code, baseOffset } of answers) {
        const name = partitionName({ topic, partition })
        if (code === 0) {
          for (const [at, { sent }] of waiting.get(name)!.entries())
            this.commands.push(sent(`${name}@${baseOffset + at}`))
          waiting.delete(name)
        } else if (classify(code, 'read') !== 'RETRY' || tries >= TRIES_MAX) throw new Error(`${name}: ${nameOf(code)}`)
      }
    }
  }

  #add(tenantId: string, characterId: number, command: unknown, sent: SentCommand, partition?: number): void {
    const { partitions, commandTopic: topic } = this.#options
    const to = (partition ?? partitionFor(characterKey(characterId), partitions)) % partitions
    const value = JSON.stringify(command)
    this.#outgoing.push({ topic, partition: to, characterId, headers: headersOf(tenantId), value, sent: () => sent })
  }
}

const common = (characterId: number, type: string) => ({ worldId: 0, channelId: 1, characterId, type })

function batchOf(list: readonly Outgoing[]) {
  const builder = new RecordBatchBuilder()
  for (const { characterId, headers, value } of list) builder.add(Date.now(), characterKey(characterId), value, headers)
  return { topic: list[0]!.topic, partition: list[0]!.partition, bytes: builder.finish(PLAIN_STAMP) }
}

const headersOf = (tenantId: string): Buffer =>
  encodeHeaders([
    ['TENANT_ID', Buffer.from(tenantId)],
    ['REGION', Buffer.from('GMS')],
    ['MAJOR_VERSION', Buffer.from([0, 83])],
    ['MINOR_VERSION', Buffer.from([0, 1])],
  ])
