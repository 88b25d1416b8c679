/**
 * The ledger: transfers between accounts of a branch, which lie in two stores, a `value` store (checking) and a `map`
 * (savings). A transfer writes both or neither, so the sum over both never changes: every account is worth the opening
 * balance until it is touched, and an account that is back at it is deleted. Each branch keeps a book: how many transfers,
 * and a chain over them, so that one lost, doubled or moved changes everything behind it.
 */
import { defineTopology, type Topology } from '../../../topology/define.ts'
import { DeadLetter } from '../../../topology/errors.ts'
import { json } from '../../../topology/json.ts'
import { sink } from '../../../topology/sinks.ts'
import { source } from '../../../topology/sources.ts'
import { index, map, value } from '../../../topology/stores.ts'
import { type Book, carryOut, OPENING, type Transfer, type TransferOutcome } from './transfer.ts'

export const branchKey = (branch: number): Buffer => {
  const key = Buffer.alloc(8)
  key.writeUInt32LE(branch)
  return key
}

const decode = json<Transfer>((object) => {
  const { type, id, branch, checking, savings, amount } = object
  const numbers = [id, branch, checking, savings, amount]
  if (type !== 'TRANSFER' || !numbers.every(Number.isSafeInteger))
    throw new DeadLetter('transfer.malformed', 'id, branch, checking, savings and amount must be whole numbers')
  return object as unknown as Transfer
})

/** `savingsName`: under another one, the state of an older version must be refused. */
function ledgerOf(savingsName: string): Topology {
  const checking = value<string, number>({ name: 'checking', key: (account) => account })
  const savings = map<number, string, number>({ name: savingsName, key: String })
  const books = value<number, Book>({ name: 'books', key: String })
  const outcomes = sink<TransferOutcome>({ topic: 'outcomes' })
  const transfers = source({
    topic: 'transfers',
    decode,
    key: ({ branch }) => branchKey(branch),
    on: {
      TRANSFER: {
        uses: [checking, savings, books, outcomes],
        reads: ({ message: { branch, checking: from, savings: to } }) => [
          checking.read(`${branch}:${from}`),
          savings.read(branch, String(to)),
          books.read(branch),
        ],
        transform({ message }, state) {
          const { branch } = message
          const account = `${branch}:${message.checking}`
          const field = String(message.savings)
          const after = carryOut(message, {
            checking: state.value(checking, account) ?? OPENING,
            savings: state.get(savings, branch, field) ?? OPENING,
            book: state.value(books, branch) ?? { n: 0, h: 0 },
          })
          return [
            after.checking === OPENING ? checking.delete(account) : checking.put(account, after.checking),
            after.savings === OPENING ? savings.delete(branch, field) : savings.put(branch, field, after.savings),
            books.put(branch, after.book),
            outcomes.emit(branchKey(branch), after.outcome),
          ]
        },
      },
    },
  })
  return defineTopology({
    name: 'ledger',
    context: { read: () => null, write: () => [] },
    sources: [transfers],
    sinks: [outcomes],
    stores: [checking, savings, books],
    indexes: [
      index({
        name: 'savings-by-account',
        of: savings,
        group: (branch) => branch,
        member: (_, account) => account,
        score: (_, account) => Number(account),
      }),
    ],
  })
}

export const ledgerTopology = ledgerOf('savings')
/** Another version of it, without the store that it had. */
export const otherTopology = ledgerOf('deposits')
