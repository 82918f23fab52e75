import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { describe, type CompletionRow } from './completion/words.ts';
import { zshScript } from './completion/zsh.ts';
import type { CommandResult } from './context.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `devenv completion SHELL`: the script that completes commands, options and names, made from the table of commands. */
export async function completion(
  _ctx: unknown,
  input: { readonly shell: keyof typeof scripts; readonly commands: readonly CompletionRow[] },
): Promise<CommandResult> {
  const script = scripts[input.shell](input.commands.map(describe));
  return { json: { shell: input.shell, script }, text: script };
}
