/**
 * Runs before every npm script: brings node_modules up to date with package-lock.json and checks the Node that the
 * script will run on. Plain JavaScript without dependencies, for any Node from 16 on, because neither the dependencies
 * nor the right Node need be there yet. Writes to stderr only: stdout belongs to the script. Scripts that are started
 * together install once (lock file `.bootstrap.lock`). A node_modules that is a symbolic link is somebody's own arrangement, and
 * npm ci would empty what it leads to: nothing is installed then.
 */
import { spawn, spawnSync } from 'node:child_process'
import { lstatSync, realpathSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeLock } from './file-lock.mjs'

const NODE_MIN = [24, 6]
/** Longest wait for another process that installs. */
const LOCK_WAIT_MS = 10 * 60_000
const WINDOWS = process.platform === 'win32'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binaries = join(root, 'node_modules', '.bin')

/** A failure that the user can mend: one line, no stack. */
class Refusal extends Error {}

function say(line) {
  process.stderr.write(`bootstrap: ${line}\n`)
}

function modifiedMs(path) {
  try {
    return statSync(path).mtimeMs
  } catch {
    return undefined
  }
}

/** True when an installation has completed since package-lock.json was last changed: npm writes the hidden file last. */
function isInstalled() {
  const done = modifiedMs(join(root, 'node_modules', '.package-lock.json'))
  const wanted = modifiedMs(join(root, 'package-lock.json'))
  return done !== undefined && (wanted === undefined || done >= wanted)
}

/** Also true of a link that leads nowhere. */
function isLinked() {
  try {
    return lstatSync(join(root, 'node_modules')).isSymbolicLink()
  } catch {
    return false
  }
}

async function install() {
  const lock = join(root, '.bootstrap.lock')
  const { release, holder } = await takeLock(lock, {
    waitMs: LOCK_WAIT_MS,
    onWait: (other) => say(`waiting for process ${other}, which is installing`),
  })
  if (!release) throw new Refusal(`process ${holder} has been installing for too long. If it is gone, remove ${lock}.`)
  try {
    if (isInstalled()) return
    say('installing the dependencies (npm ci), this happens once')
    const code = await npmCi()
    if (code !== 0) throw new Refusal(`npm ci failed (exit code ${code}). Mend what it says above and start again.`)
    if (!isInstalled()) throw new Refusal('npm ci left nothing in node_modules. Is package-lock.json there?')
  } finally {
    release()
  }
}

/** Resolves with npm's exit code. */
function npmCi() {
  const env = { ...process.env }
  const pathName = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') || 'PATH'
  // npm must not run on the Node below node_modules, which it is about to remove.
  const folders = (env[pathName] || '').split(delimiter).filter((folder) => folder !== binaries)
  env[pathName] = folders.join(delimiter)
  // A quiet `npm start -s` must not make errors of the installation quiet as well.
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  return new Promise((resolve, reject) => {
    const npm = spawn('npm', args, { cwd: root, env, stdio: ['ignore', 2, 2], shell: WINDOWS })
    npm.on('error', (error) => reject(new Refusal(`npm cannot be run (${error.message}). Put npm on the PATH.`)))
    npm.on('close', (code) => resolve(code === null ? 1 : code))
  })
}

/** Throws a Refusal unless the Node that npm runs the script with is new enough. */
function checkNode() {
  const own = join(binaries, WINDOWS ? 'node.cmd' : 'node')
  const hasOwn = modifiedMs(own) !== undefined
  const version = versionOf(hasOwn ? own : 'node')
  if (version !== undefined && isNewEnough(version)) return
  const wanted = NODE_MIN.join('.')
  if (hasOwn && version === undefined) {
    throw new Refusal(`${own} does not run on this system. Delete it, and install Node ${wanted} or newer.`)
  }
  throw new Refusal(
    `Node ${wanted} or newer is needed, but ${version || 'none'} is here. ` +
      'Install it (nodejs.org, nvm, fnm), or run: npm ci --include=optional',
  )
}

/** Asked, not looked up: a binary may be there and not run, for instance for another C library. */
function versionOf(node) {
  if (node !== 'node' && realpathSync(node) === process.execPath) return process.versions.node
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8', shell: WINDOWS })
  return status === 0 ? stdout.trim().replace(/^v/, '') : undefined
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
}

try {
  if (!isInstalled()) {
    if (isLinked()) say('node_modules is a symbolic link and not what package-lock.json asks for; it is left as it is')
    else await install()
  }
  checkNode()
} catch (error) {
  say(error instanceof Refusal ? error.message : error.stack)
  process.exitCode = 1
}
