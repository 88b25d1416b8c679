/** Under which address others reach what this process listens on. Pure. */
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
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

/** IPv4 before IPv6; no link-local ones, which need the name of an interface. */
function outward(interfaces: Machine['interfaces']): string | null {
  const all = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/i.test(address))
  return (all.find(({ family }) => family === 'IPv4') ?? all[0])?.address ?? null
}
