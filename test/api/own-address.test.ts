/** The address that a process tells others: one that they can follow. */
import type { NetworkInterfaceInfo } from 'node:os'
import { expect, test } from 'vitest'
import { localUrl, ownUrl } from '../../api/own-address.ts'

const at = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo
const loopback = [at('127.0.0.1', true), at('::1', true)]
const machine = (...outward: NetworkInterfaceInfo[]) => ({
  hostname: 'box',
  interfaces: { lo: loopback, eth0: outward, gone: undefined },
})

test.each([
  ['127.0.0.1', machine(at('10.0.0.5')), 'http://127.0.0.1:8080'],
  ['10.0.0.7', machine(at('10.0.0.5')), 'http://10.0.0.7:8080'],
  ['::1', machine(), 'http://[::1]:8080'],
  ['0.0.0.0', machine(at('fe80::1'), at('fd00::1'), at('10.0.0.5')), 'http://10.0.0.5:8080'],
  ['::', machine(at('fe80::1'), at('fd00::1')), 'http://[fd00::1]:8080'],
  ['0.0.0.0', machine(at('169.254.1.1')), 'http://box:8080'],
  ['0.0.0.0', machine(), 'http://box:8080'],
])('REST_HOST %s', (host, of, url) => {
  expect(ownUrl(host, 8080, of)).toBe(url)
})

test.each([
  ['0.0.0.0', 'http://127.0.0.1:8080'],
  ['::', 'http://127.0.0.1:8080'],
  ['127.0.0.1', 'http://127.0.0.1:8080'],
  ['192.0.2.7', 'http://192.0.2.7:8080'],
  ['::1', 'http://[::1]:8080'],
])('from here, what listens on %s is %s', (host, url) => {
  expect(localUrl(host, 8080)).toBe(url)
})
