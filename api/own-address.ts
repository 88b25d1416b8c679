/** Under which address what this process listens on is reached: from elsewhere, and from here. Pure. */
import type { NetworkInterfaceInfo } from 'node:os'

const EVERYWHERE = new Set(['0.0.0.0', '::', '[::]'])

export interface Machine {
  readonly hostname: string
  readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>
}

/**
 * Of a process that listens everywhere: the first address beyond loopback, which containers and pods of one network reach, while
 * their host names often are known to themselves alone. A machine without one has its name.
 */
export function ownUrl(host: string, port: number, { hostname, interfaces }: Machine): string {
  const reached = EVERYWHERE.has(host) ? (outward(interfaces) ?? hostname) : host
  return urlOf(reached, port)
}

/** For whoever sits at this machine. */
export const localUrl = (host: string, port: number): string => urlOf(EVERYWHERE.has(host) ? '127.0.0.1' : host, port)

const urlOf = (host: string, port: number): string =>
  `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`

/** IPv4 before IPv6; no link-local ones, which need the name of an interface. */
function outward(interfaces: Machine['interfaces']): string | null {
  const all = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/i.test(address))
  return (all.find(({ family }) => family === 'IPv4') ?? all[0])?.address ?? null
}
