import { DevenvError } from '../base/index.ts';
import type { CommandContext, CommandResult } from '../commands/context.ts';
import type { Globals } from './program.ts';
import type { CommandSpec, Parsed } from './table.ts';

/** Runs a command of the table on a remote box instead of here. */
export async function runOnHost(
  ctx: CommandContext,
  globals: Globals & { readonly host: string },
  { spec, parsed }: { readonly spec: CommandSpec; readonly parsed: Parsed },
  argv: readonly string[],
): Promise<CommandResult> {
  if (spec.onHost === 'here')
    throw new DevenvError(
      'usage',
      `${spec.name} is about this machine: it takes no --host`,
      `on the box: ssh ${globals.host}`,
    );
  const { onHost } = await import('../commands/on-host.ts');
  return onHost(ctx, {
    host: globals.host,
    command: spec.name,
    kind: spec.onHost ?? 'changes',
    argv: argvForBox(argv),
    args: parsed.args,
    options: parsed.options,
  });
}

/** The command line less what is said to this side only. What stands behind `--` is not read. */
export function argvForBox(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  const [own, rest] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end)];
  const kept: string[] = [];
  for (let i = 0; i < own.length; i++) {
    const word = own[i] ?? '';
    if (word === '--host' || word === '--cwd') i += 1;
    else if (!/^--(host|cwd)=/.test(word) && word !== '--accept-new-host-key') kept.push(word);
  }
  return [...kept, ...rest];
}
