import { readFileSync } from 'node:fs';
import path from 'node:path';
import { shellQuote } from '../base/index.ts';

/** How a known test runner is told to run some files only. */
interface Runner {
  /** Its own command, after `npx` and the like were taken off. */
  readonly command: RegExp;
  /** The arguments that make it run these files and no others. */
  readonly files: (files: readonly string[]) => readonly string[];
  /** The arguments that make it run only what depends on files that differ from the last commit. */
  readonly changed?: readonly string[];
}

/** A new runner is one more line. */
const runners = {
  vitest: {
    command: /^vitest( run)?(?= |$)(?!.*(--shard|related|--changed))/,
    files: (files) => files,
    changed: ['--changed'],
  },
  jest: {
    command: /^jest(?= |$)/,
    files: (files) => ['--runTestsByPath', ...files],
    changed: ['--onlyChanged', '--passWithNoTests'],
  },
  pytest: { command: /^(python3? -m )?pytest( -[a-zA-Z]+)*$/, files: (files) => files },
  node: { command: /^node (--[\w=./-]+ )*--test( --[\w=./-]+)*$/, files: (files) => files },
} satisfies Record<string, Runner>;

/** A word of the shell that makes the command more than one simple command. */
const compound = /[;&|<>`$(){}\n]/;

/**
 * The suite's command narrowed to some test files, when its runner is known and the command is simple enough
 * to add arguments to; undefined otherwise: then the whole suite must run.
 */
export function narrowCommand(command: string, files: readonly string[], cwd: string): string | undefined {
  return extend(command, cwd, (runner) => runner.files(files));
}

/** As `narrowCommand`, to the tests that depend on what changed; undefined where the runner cannot tell. */
export function changedCommand(command: string, cwd: string): string | undefined {
  return extend(command, cwd, (runner) => runner.changed);
}

function extend(
  command: string,
  cwd: string,
  argumentsOf: (runner: Runner) => readonly string[] | undefined,
): string | undefined {
  const script = /^(?:npm (?:run(?:-script)? )?|pnpm (?:run )?|yarn (?:run )?)([\w:.-]+)$/.exec(
    command.trim(),
  )?.[1];
  const real = script === undefined ? command.trim() : packageScript(cwd, script);
  if (real === undefined || compound.test(real)) return undefined;
  const bare = real.replace(/^(?:[A-Z_]+=\S+ )*(?:npx (?:-y |--yes )?|pnpm exec |yarn exec )?/, '');
  const runner: Runner | undefined = Object.values(runners).find((known: Runner) => known.command.test(bare));
  const added = runner && argumentsOf(runner);
  if (!added) return undefined;
  const separator = script !== undefined && command.trim().startsWith('npm') ? ' --' : '';
  return `${command.trim()}${separator} ${added.map(shellQuote).join(' ')}`;
}

function packageScript(cwd: string, name: string): string | undefined {
  try {
    const read: unknown = JSON.parse(readFileSync(path.join(cwd, 'package.json'), 'utf8'));
    if (typeof read !== 'object' || read === null || !('scripts' in read)) return undefined;
    const { scripts } = read;
    if (typeof scripts !== 'object' || scripts === null) return undefined;
    const hooks = [`pre${name}`, `post${name}`].some((hook) => hook in scripts);
    const script: unknown = Reflect.get(scripts, name);
    return typeof script === 'string' && !hooks ? script : undefined;
  } catch {
    return undefined; // no readable package.json: the whole suite runs
  }
}
