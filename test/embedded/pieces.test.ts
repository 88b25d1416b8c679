import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { cacheFolder } from '../../embedded/cache-folder.ts'
import { freePorts, requirePort } from '../../embedded/free-port.ts'
import { parseJavaVersion } from '../../embedded/java.ts'
import { freshClusterId, metaProperties, serverProperties } from '../../embedded/kafka-files.ts'
import { redisOnPath } from '../../embedded/redis-binary.ts'
import { readStackFile, writeStackFile } from '../../embedded/stack-file.ts'
import { readZipEntry } from '../../embedded/zip-entry.ts'
import { folder, run } from './support.ts'

afterEach(() => vi.unstubAllEnvs())

describe('the cache folder', () => {
  test('follows XDG_CACHE_HOME, ignores a relative one, else the home', () => {
    const home = folder()
    expect(cacheFolder({ XDG_CACHE_HOME: join(home, 'x') })).toBe(join(home, 'x/tributary'))
    expect(cacheFolder({ XDG_CACHE_HOME: 'relative', HOME: home })).toBe(join(home, '.cache/tributary'))
    expect(cacheFolder({ HOME: home })).toBe(join(home, '.cache/tributary'))
  })

  test('is below the temporary folder when the home cannot hold it', () => {
    const home = join(folder(), 'home')
    writeFileSync(home, 'a file where a folder is needed, which stops root as well')
    expect(cacheFolder({ HOME: home })).toMatch(/tributary-cache-\d+$/)
  })
})

describe('ports', () => {
  test('free ones are different and below the ephemeral range', async () => {
    const ports = await freePorts(5)
    expect(new Set(ports).size).toBe(5)
    for (const port of ports) expect(port).toBeLessThan(32_768)
  })

  test('a taken one is named', async () => {
    const [port = 0] = await freePorts(1)
    const server = createServer()
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
    await expect(requirePort(port, 'Kafka', 0)).rejects.toMatchObject({
      code: 'stack.port_in_use',
      message: expect.stringContaining('EMBEDDED_KAFKA_PORT'),
    })
    server.close()
  })
})

test('Java versions, old and new style', () => {
  expect(parseJavaVersion('openjdk version "17.0.15" 2025-04-15')).toBe(17)
  expect(parseJavaVersion('java version "1.8.0_392"')).toBe(8)
  expect(parseJavaVersion('openjdk version "26" 2026-03-17')).toBe(26)
  expect(parseJavaVersion('The operation couldn’t be completed. Unable to locate a Java Runtime.')).toBeUndefined()
  expect(parseJavaVersion(undefined)).toBeUndefined()
})

test('broker files: loopback only, overrides win, ids are fresh', () => {
  const text = serverProperties({
    port: 1234,
    controllerPort: 1235,
    logFolder: '/d',
    overrides: { 'log.dirs': '/e', x: 'a\\b' },
  })
  const lines = text.trimEnd().split('\n')
  expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:1234,CONTROLLER://127.0.0.1:1235')
  expect(lines).toContain('log.dirs=/e')
  expect(lines).toContain('x=a\\\\b')
  expect(lines).toContain('auto.create.topics.enable=false')
  expect(metaProperties()).toMatch(/^node\.id=1\ndirectory\.id=[\w-]{22}\nversion=1\ncluster\.id=[\w-]{22}\n$/)
  const ids = Array.from({ length: 500 }, freshClusterId)
  expect(new Set(ids).size).toBe(500)
  expect(ids.filter((id) => id.startsWith('-'))).toEqual([])
})

test('a Redis of the machine is taken, unless EMBEDDED_REDIS=maven', () => {
  const bin = folder()
  expect(redisOnPath({ PATH: bin })).toBeUndefined()
  writeFileSync(join(bin, 'valkey-server'), '')
  expect(redisOnPath({ PATH: bin })).toBe('valkey-server')
  writeFileSync(join(bin, 'redis-server'), '')
  expect(redisOnPath({ PATH: `/nowhere:${bin}` })).toBe('redis-server')
  expect(redisOnPath({ PATH: bin, EMBEDDED_REDIS: 'maven' })).toBeUndefined()
})

describe('the address file', () => {
  const addresses = {
    bootstrapServers: '127.0.0.1:1',
    redisUrl: 'redis://127.0.0.1:2',
    startedAt: '2026-01-01T00:00:00.000Z',
  }

  test('is read back, and removed by its writer only', () => {
    vi.stubEnv('XDG_CACHE_HOME', folder())
    expect(readStackFile()).toBeNull()
    const removeFirst = writeStackFile({ ...addresses, pid: process.pid })
    expect(readStackFile()).toEqual({ ...addresses, pid: process.pid })
    const removeSecond = writeStackFile({ ...addresses, restUrl: 'http://127.0.0.1:3', pid: process.ppid })
    removeFirst()
    expect(readStackFile()).toMatchObject({ restUrl: 'http://127.0.0.1:3' })
    removeSecond()
    expect(readStackFile()).toBeNull()
  })

  test('of a dead process, a cut one and one of another shape count as none', async () => {
    const cache = folder()
    vi.stubEnv('XDG_CACHE_HOME', cache)
    const dead = run(['-e', ''])
    await dead.exit
    writeStackFile({ ...addresses, pid: dead.pid })
    expect(readStackFile()).toBeNull()
    mkdirSync(join(cache, 'tributary'), { recursive: true })
    for (const text of ['{"pid":', '[]', 'null', JSON.stringify({ ...addresses, pid: `${process.pid}` })]) {
      writeFileSync(join(cache, 'tributary/stack.json'), text)
      expect(readStackFile()).toBeNull()
    }
  })
})

describe('zip', () => {
  /** An archive of one entry, by hand: the local header's extra field differs from the central one, as in real jars. */
  function zip(name: string, content: Buffer, method: number, claimed = content.length): Buffer {
    const packed = method === 8 ? deflateRawSync(content) : content
    const local = Buffer.alloc(30 + name.length + 4)
    local.writeUInt32LE(0x04034b50)
    local.writeUInt16LE(name.length, 26)
    local.writeUInt16LE(4, 28)
    local.write(name, 30)
    const central = Buffer.alloc(46 + name.length)
    central.writeUInt32LE(0x02014b50)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(packed.length, 20)
    central.writeUInt32LE(claimed, 24)
    central.writeUInt16LE(name.length, 28)
    central.write(name, 46)
    const end = Buffer.alloc(22 + 3)
    end.writeUInt32LE(0x06054b50)
    end.writeUInt16LE(1, 10)
    end.writeUInt32LE(local.length + packed.length, 16)
    end.write('end', 22)
    return Buffer.concat([local, packed, central, end])
  }
  const content = Buffer.from('hello '.repeat(100))

  test.each([0, 8])('reads an entry packed by method %i', (method) => {
    expect(readZipEntry(zip('a/b', content, method), 'a/b')).toEqual(content)
    expect(readZipEntry(zip('a/b', content, method), 'a')).toBeUndefined()
  })

  test('refuses what is cut, lies about its size, or is packed otherwise', () => {
    expect(() => readZipEntry(Buffer.alloc(100), 'a')).toThrow(/no zip archive/)
    expect(() => readZipEntry(zip('a', content, 8, 5), 'a')).toThrow(/600 bytes instead of 5/)
    expect(() => readZipEntry(zip('a', content, 8, 2 ** 31), 'a')).toThrow(/larger than/)
    expect(() => readZipEntry(zip('a', content, 12), 'a')).toThrow(/method 12/)
  })

  test('reads what a real zip program wrote', ({ skip }) => {
    if (spawnSync('zip', ['-v']).status !== 0) skip('no zip program on this machine')
    const dir = folder()
    writeFileSync(join(dir, 'x.txt'), content)
    chmodSync(join(dir, 'x.txt'), 0o644)
    spawnSync('zip', ['-q', 'x.zip', 'x.txt'], { cwd: dir })
    expect(readZipEntry(readFileSync(join(dir, 'x.zip')), 'x.txt')).toEqual(content)
  })
})
