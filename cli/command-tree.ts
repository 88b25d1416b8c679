/** Commander's tree as plain data: what completion scripts and the reference are made of. Pure. */
import type { Command } from 'commander'

export interface CommandNode {
  /** Words behind the program's name; empty for the program. */
  readonly path: readonly string[]
  readonly description: string
  /** As `--help` writes them: `<id> [options]`. */
  readonly usage: string
  readonly options: readonly OptionNode[]
  readonly arguments: readonly { readonly name: string; readonly description: string }[]
  readonly commands: readonly CommandNode[]
}

export interface OptionNode {
  /** As declared: `--limit <count>`. */
  readonly flags: string
  readonly name: string
  readonly takesValue: boolean
  readonly description: string
  /** Null: none. */
  readonly initial: string | null
}

export function treeOf(command: Command, path: readonly string[] = []): CommandNode {
  return {
    path,
    description: command.description(),
    usage: command.usage(),
    options: command.options.map((option) => ({
      flags: option.flags,
      name: option.long ?? option.flags,
      takesValue: option.required || option.optional,
      description: option.description,
      initial: option.defaultValue === undefined ? null : String(option.defaultValue),
    })),
    arguments: command.registeredArguments.map((argument) => ({
      name: `${argument.required ? '<' : '['}${argument.name()}${argument.variadic ? '...' : ''}${argument.required ? '>' : ']'}`,
      description: argument.description,
    })),
    commands: command.commands.map((child) => treeOf(child, [...path, child.name()])),
  }
}

/** The node and all below it, parents first. */
export const nodesOf = (node: CommandNode): readonly CommandNode[] => [node, ...node.commands.flatMap(nodesOf)]
