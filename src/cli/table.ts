import type { CommandContext, CommandResult } from '../commands/context.ts';

/** What the parser found for one command. */
export interface Parsed {
  readonly args: readonly string[];
  /** How many of them, at the end, came after `--`. */
  readonly afterDashes: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What can stand as an argument, for completion. */
export type Completes = 'window' | 'suite' | 'tag' | 'layout' | 'shell' | 'file' | 'none';

/** One row of the program: how a command is called, and the code that is imported when it is. */
export interface CommandSpec {
  readonly name: string;
  readonly group: 'Session' | 'Tests' | 'Checkpoints' | 'Project';
  readonly summary: string;
  /** commander's notation: `[window...]`, `<suite>`. */
  readonly args?: string;
  readonly completes?: Completes;
  readonly options?: readonly (readonly [flags: string, description: string])[];
  readonly example: string;
  readonly hidden?: boolean;
  /** `table` is every row, for completion. */
  readonly run: (
    ctx: CommandContext,
    parsed: Parsed,
    table: readonly CommandSpec[],
  ) => Promise<CommandResult>;
}

/** A text option's value. */
export function text(parsed: Parsed, name: string): string | undefined {
  const value = parsed.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whether a flag was given. */
export function flag(parsed: Parsed, name: string): boolean {
  return parsed.options[name] === true;
}
