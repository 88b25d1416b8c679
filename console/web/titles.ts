/** What the window is called: the page, before it what of it is looked at. So that tabs and the history can be told apart. Pure. */
import type { Place } from './router.ts'

const NUMBER = /^\d{1,16}$/

export function titleOf(page: string, { path }: Pick<Place, 'path'>, application: string): string {
  return [detailOf(path), page, application].filter((part) => part !== null).join(' · ')
}

function detailOf([name, ...rest]: readonly string[]): string | null {
  const [kind = '', id = ''] = rest
  if (name === 'tasks' && NUMBER.test(kind)) return `Task ${kind}`
  if (name === 'dead-letters' && NUMBER.test(kind) && NUMBER.test(id)) return `${kind}@${id}`
  if (name !== 'state' || !NUMBER.test(id)) return null
  return kind === 'characters'
    ? `Character ${id}`
    : kind === 'notes'
      ? `Note ${id}`
      : kind === 'tasks'
        ? `Task ${id}`
        : null
}
