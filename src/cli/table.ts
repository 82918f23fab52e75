import { DevenvError } from '../base/index.ts';
import type { Begun, Place } from '../commands/begun.ts';
import type { CommandContext, CommandResult } from '../commands/context.ts';

/** What the parser found for one command. */
export interface Parsed {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** What stands after `--`, for a command that takes paths there. */
  readonly paths?: readonly string[];
}

/** What can stand as an argument, for completion. */
export type Completes = 'window' | 'suite' | 'tag' | 'layout' | 'shell' | 'file' | 'none';

/** An option, left out of the help without a description: `excludes` are the names of options (as `dryRun`) that cannot be given with it. */
export type OptionSpec = readonly [flags: string, description: string, excludes?: readonly string[]];

/** What a command can do, named by its first argument: what its own help says. */
export interface ActionSpec {
  readonly summary: string;
  /** commander's notation, without the action. */
  readonly args?: string;
  readonly options?: readonly OptionSpec[];
  readonly example: string;
}

/** One row of the program: how a command is called, and the code that is imported when it is. */
export interface CommandSpec {
  readonly name: string;
  readonly group: 'Session' | 'Tests' | 'Checkpoints' | 'Project' | 'Remote';
  readonly summary: string;
  /** commander's notation: `[window...]`, `<suite>`. */
  readonly args?: string;
  readonly completes?: Completes;
  /** Whether paths may follow after `--`; without it, `--` only ends the options. */
  readonly paths?: boolean;
  readonly options?: readonly OptionSpec[];
  readonly example: string;
  /** Where the first argument says what is to be done: `devenv NAME ACTION --help` tells of that alone. */
  readonly actions?: Readonly<Record<string, ActionSpec>>;
  /**
   * What `--host` must know of it: it only reads, it streams until nobody listens, it works in any folder, or it is
   * about this machine only. Without a word it changes something in a project.
   */
  readonly onHost?: 'reads' | 'streams' | 'anywhere' | 'here';
  readonly hidden?: boolean;
  /** Begins what the command will wait for, while its options are read; they come unread. */
  readonly begin?: (place: Place, argv: readonly string[]) => Promise<Begun | undefined>;
  /** `table` is every row, for completion. */
  readonly run: (
    ctx: CommandContext,
    parsed: Parsed,
    table: readonly CommandSpec[],
  ) => Promise<CommandResult>;
}

/** The options of all actions, each with the actions it is for, and what it means there. */
export function optionsOf(actions: Readonly<Record<string, ActionSpec>>): readonly OptionSpec[] {
  const all = Object.entries(actions).flatMap(([action, { options = [] }]) =>
    options.map(([flags, description]) => ({ action, flags, description })),
  );
  return [...new Set(all.map(({ flags }) => flags))].map((flags) => {
    const mine = all.filter((one) => one.flags === flags);
    const meanings = [...new Set(mine.map(({ description }) => description))].map((description) => {
      const those = mine.filter((one) => one.description === description).map(({ action }) => action);
      return `${those.join(', ')}: ${description}`;
    });
    return [flags, meanings.join('; ')];
  });
}

/** A text option's value. */
export function text(parsed: Parsed, name: string): string | undefined {
  const value = parsed.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** The values of an option that takes several. */
export function texts(parsed: Parsed, name: string): readonly string[] {
  const value = parsed.options[name];
  return Array.isArray(value) ? value.map(String) : [];
}

/** Throws 'usage' when two things were given that do not go together. */
export function exclude(first: string, given: Readonly<Record<string, boolean>>): void {
  const other = Object.keys(given).find((name) => given[name] === true);
  if (other === undefined) return;
  throw new DevenvError('usage', `${first} and ${other} do not go together`, 'leave one of them out');
}

/** Whether a flag was given. */
export function flag(parsed: Parsed, name: string): boolean {
  return parsed.options[name] === true;
}
