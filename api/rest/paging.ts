/** Pages: which one is asked for, and the links and numbers that go with it. Source: contract README "REST". */
import { PAGE_NUMBER_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../limits.ts'
import { ApiFailure, failure, type Problem } from './errors.ts'

export interface Page {
  /** From 1. */
  readonly number: number
  readonly size: number
}

const LIMITS: Readonly<Record<string, number>> = { 'page[number]': PAGE_NUMBER_MAX, 'page[size]': PAGE_SIZE_MAX }

/** `query` is what stands behind the `?`. Throws ApiFailure `page.invalid`, `query.unknown`. */
export function readPage(query: string): Page {
  const problems: Problem[] = []
  const values = new Map<string, number>()
  for (const [parameter, text] of new URLSearchParams(query)) {
    const source = { parameter }
    const max = Object.hasOwn(LIMITS, parameter) ? LIMITS[parameter] : undefined
    if (max === undefined) {
      const code = parameter === 'limit' || parameter.startsWith('page') ? 'page.invalid' : 'query.unknown'
      problems.push({ code, detail: 'the parameter is not known', source })
    } else if (values.has(parameter)) {
      problems.push({ code: 'page.invalid', detail: `${parameter} is given twice`, source })
    } else if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > max) {
      problems.push({ code: 'page.invalid', detail: `${parameter} must be a whole number from 1 to ${max}`, source })
    } else values.set(parameter, Number(text))
  }
  const [first, ...more] = problems
  if (first) throw new ApiFailure([first, ...more])
  return { number: values.get('page[number]') ?? 1, size: values.get('page[size]') ?? PAGE_SIZE_DEFAULT }
}

/** For routes that take none. Throws ApiFailure `query.unknown`. */
export function refuseQuery(query: string): void {
  for (const [parameter] of new URLSearchParams(query))
    throw failure('query.unknown', 'the parameter is not known', { parameter })
}

export interface PageLinks {
  readonly self: string
  readonly first: string
  readonly prev?: string
  readonly next?: string
  readonly last: string
}

export interface PageMeta {
  readonly page: { readonly last: number; readonly number: number; readonly size: number }
  readonly total: number
}

/** `path` is that of the collection. Behind the last page, `prev` is the last one. */
export function pageFrame(path: string, { number, size }: Page, total: number): { links: PageLinks; meta: PageMeta } {
  const last = Math.max(1, Math.ceil(total / size))
  const to = (n: number): string => `${path}?page%5Bnumber%5D=${n}&page%5Bsize%5D=${size}`
  return {
    links: {
      self: to(number),
      first: to(1),
      ...(number > 1 ? { prev: to(Math.min(number - 1, last)) } : {}),
      ...(number < last ? { next: to(number + 1) } : {}),
      last: to(last),
    },
    meta: { page: { last, number, size }, total },
  }
}
