/** Completion scripts, made of the tree of commands. They ask nobody while they run. Pure. */
import { type CommandNode, nodesOf } from '../command-tree.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const PROGRAM = 'tributary'

export const completionScript = (tree: CommandNode, shell: Shell): string => ({ bash, zsh, fish })[shell](tree)

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const pathName = ({ path }: CommandNode): string => path.join(' ')
const optionNames = ({ options }: CommandNode): readonly string[] => [...options.map(({ name }) => name), '--help']

/** Cases of a shell function that finds the command that is meant: words that are one, in their order. */
const pathCases = (tree: CommandNode): readonly string[] =>
  nodesOf(tree)
    .filter(({ path }) => path.length > 0)
    .map((node) => `      ${quoted(pathName(node))}) found="$next" ;;`)

function bash(tree: CommandNode): string {
  const cases = nodesOf(tree).map((node) => {
    const words = [...node.commands.map(({ path }) => path.at(-1)!), ...optionNames(node)]
    return `    ${quoted(pathName(node))}) words=${quoted(words.join(' '))} ;;`
  })
  return `# bash completion of ${PROGRAM}: eval "$(npm run --silent ${PROGRAM} -- completion bash)"
_${PROGRAM}() {
  local found='' next words='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    next="\${found:+$found }\${COMP_WORDS[at]}"
    case "$next" in
${pathCases(tree).join('\n')}
    esac
  done
  case "$found" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _${PROGRAM} ${PROGRAM}
`
}

/** Colons part a word from its description. */
const described = (word: string, description: string): string =>
  quoted(`${word.replaceAll(':', '\\:')}:${description.replaceAll(':', '\\:')}`)

function zsh(tree: CommandNode): string {
  const cases = nodesOf(tree).map((node) => {
    const words = [
      ...node.commands.map(({ path, description }) => described(path.at(-1)!, description)),
      ...node.options.map(({ name, description }) => described(name, description)),
      described('--help', 'display help for command'),
    ]
    return `    ${quoted(pathName(node))}) choices=(${words.join(' ')}) ;;`
  })
  return `#compdef ${PROGRAM}
# zsh completion of ${PROGRAM}: eval "$(npm run --silent ${PROGRAM} -- completion zsh)"
_${PROGRAM}() {
  local found='' next at
  local -a choices
  for ((at = 2; at < CURRENT; at++)); do
    next="\${found:+$found }\${words[at]}"
    case "$next" in
${pathCases(tree).join('\n')}
    esac
  done
  case "$found" in
${cases.join('\n')}
  esac
  _describe ${PROGRAM} choices
}
compdef _${PROGRAM} ${PROGRAM}
`
}

function fish(tree: CommandNode): string {
  const lines = nodesOf(tree).flatMap((node) => {
    const when = `-n ${quoted(`__${PROGRAM}_at ${quoted(pathName(node))}`)}`
    return [
      ...node.commands.map(
        ({ path, description }) => `complete -c ${PROGRAM} ${when} -a ${path.at(-1)} -d ${quoted(description)}`,
      ),
      ...node.options.map(
        ({ name, takesValue, description }) =>
          `complete -c ${PROGRAM} ${when} -l ${name.slice(2)}${takesValue ? ' -x' : ''} -d ${quoted(description)}`,
      ),
    ]
  })
  return `# fish completion of ${PROGRAM}: npm run --silent ${PROGRAM} -- completion fish | source
function __${PROGRAM}_at
  set -l found ''
  for word in (commandline -opc)[2..]
    set -l next (string trim "$found $word")
    switch $next
      case ${nodesOf(tree)
        .filter(({ path }) => path.length > 0)
        .map((node) => quoted(pathName(node)))
        .join(' ')}
        set found $next
    end
  end
  test "$found" = "$argv[1]"
end
complete -c ${PROGRAM} -f
${lines.join('\n')}
`
}
