/** Records that were set aside: which and why, one of them in full, and sending them again. */
import type { PageProps } from '../app.tsx'
import { LetterDetail } from '../ui/dead-letters/detail.tsx'
import { LetterList } from '../ui/dead-letters/list.tsx'
import { Empty } from '../ui/parts.tsx'

export function DeadLettersPage({ place }: PageProps) {
  const [, partition, offset] = place.path
  if (partition === undefined) return <LetterList query={place.query} />
  if (/^\d{1,6}$/.test(partition) && /^\d{1,16}$/.test(offset ?? ''))
    return <LetterDetail key={`${partition}@${offset}`} partition={Number(partition)} offset={Number(offset)} />
  return <Empty>There is nothing at this address: a dead letter is named by partition and offset.</Empty>
}
