import { Command, CommanderError, Option } from 'commander';
import { DevenvError } from '../base/index.ts';
import { commandTable } from './commands.ts';
import type { CommandSpec, OptionSpec, Parsed } from './table.ts';

declare const DEVENV_VERSION: string | undefined;

/** A parsed command line, or the help that was asked for. */
export type Invocation =
  | {
      readonly kind: 'command';
      readonly spec: CommandSpec;
      readonly parsed: Parsed;
      readonly globals: Globals;
    }
  | { readonly kind: 'text'; readonly text: string; readonly exit: number };

/** Options that every command takes. */
export interface Globals {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly cwd: string | undefined;
  readonly host: string | undefined;
  readonly acceptNewHostKey: boolean;
}

const groups = ['Session', 'Tests', 'Checkpoints', 'Project', 'Remote'] as const;

const globalOptions: readonly OptionSpec[] = [
  ['--json', 'print facts as one JSON document (streams: one object a line)'],
  ['--cwd <dir>', 'run as if started in this directory'],
  ['--host <host>', 'run it on that remote box'],
  ['--accept-new-host-key', 'believe a remote box that was never seen before'],
  ['-q, --quiet', 'no progress and no remarks; results stay'],
  ['-v, --verbose', 'more of them'],
];

/** Reads the command line. Wrong usage throws a DevenvError('usage'). */
export function parseCommandLine(given: readonly string[]): Invocation {
  const all = globalsLast(given);
  const named = narrowed(
    commandTable.find((row) => row.name === all[0]),
    all,
  );
  const { argv, paths } = splitPaths(all, named?.paths ?? false);
  const result: { found?: Invocation; printed: string } = { printed: '' };
  const program = quiet(new Command('devenv'), result);
  if (named) {
    // Declaring the other commands as well would cost more than all the rest of `devenv status`.
    addCommand(program, named, result);
  } else {
    describe(program);
    for (const group of groups) {
      program.commandsGroup(`${group}:`);
      for (const spec of commandTable) if (spec.group === group) addCommand(program, spec, result);
    }
  }
  if (argv.length === 0) return { kind: 'text', text: program.helpInformation(), exit: 0 };
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text: result.printed, exit: 0 };
    throw usageError(error, argv);
  }
  if (result.found?.kind === 'command' && paths)
    return { ...result.found, parsed: { ...result.found.parsed, paths } };
  return result.found ?? { kind: 'text', text: program.helpInformation(), exit: 0 };
}

/** Whoever asks for the help of one action gets no other's. */
function narrowed(
  spec: CommandSpec | undefined,
  argv: readonly string[],
): (CommandSpec & { readonly usage?: string }) | undefined {
  const asked = argv.some((word) => word === '-h' || word === '--help');
  const name = argv.slice(1).find((word) => !word.startsWith('-'));
  if (!spec?.actions || !asked || name === undefined || !Object.hasOwn(spec.actions, name)) return spec;
  const action = spec.actions[name];
  if (!action) return spec;
  const usage = [name, '[options]', action.args].filter(Boolean).join(' ');
  return { ...spec, summary: action.summary, options: action.options ?? [], example: action.example, usage };
}

/** `devenv --json status` means `devenv status --json`. */
function globalsLast(argv: readonly string[]): readonly string[] {
  let first = 0;
  while (
    /^(--json|-q|--quiet|-v|--verbose|--(cwd|host)(=.*)?|--accept-new-host-key)$/s.test(argv[first] ?? '')
  )
    first += /^--(cwd|host)$/.test(argv[first] ?? '') ? 2 : 1;
  const name = argv[first];
  return name === undefined ? argv : [name, ...argv.slice(0, first), ...argv.slice(first + 1)];
}

// commander does not say which arguments stood behind the `--`.
function splitPaths(
  argv: readonly string[],
  takesPaths: boolean,
): { readonly argv: readonly string[]; readonly paths: readonly string[] | undefined } {
  const at = takesPaths ? argv.indexOf('--') : -1;
  return at < 0 ? { argv, paths: undefined } : { argv: argv.slice(0, at), paths: argv.slice(at + 1) };
}

function quiet(command: Command, result: { printed: string }): Command {
  return command
    .exitOverride()
    .configureOutput({ writeOut: (s) => (result.printed += s), writeErr: () => {} });
}

function describe(program: Command): void {
  program
    .description('One tmux session with your whole development environment; checkpoints that lose no work.')
    .helpCommand('help [command]', 'help for one command')
    .version(
      typeof DEVENV_VERSION === 'string' ? DEVENV_VERSION : '0.0.0-source',
      '-V, --version',
      'print the version',
    )
    .addHelpText(
      'after',
      '\nStart in a project with `devenv start`; every command has --help with an example.',
    );
}

function addCommand(
  program: Command,
  spec: CommandSpec,
  result: { found?: Invocation; printed: string },
): void {
  const command = quiet(program.command(spec.name, spec.hidden ? { hidden: true } : {}), result);
  declare(command, spec);
  command.action(() => {
    const { json, quiet: q, verbose, cwd, host, acceptNewHostKey, ...options } = command.opts();
    const globals = {
      json: json === true,
      quiet: q === true,
      verbose: verbose === true,
      cwd: typeof cwd === 'string' ? cwd : undefined,
      host: typeof host === 'string' ? host : undefined,
      acceptNewHostKey: acceptNewHostKey === true,
    };
    result.found = { kind: 'command', spec, parsed: { args: command.args, options }, globals };
  });
}

function declare(command: Command, spec: CommandSpec & { readonly usage?: string }): void {
  command.summary(spec.summary).description(sentence(spec.summary));
  if (spec.args) command.arguments(spec.args);
  if (spec.usage !== undefined) command.usage(spec.usage);
  if (spec.paths === true) command.usage(`[options] ${spec.args ?? ''} [-- <path...>]`);
  for (const [flags, description, excludes = []] of [...(spec.options ?? []), ...globalOptions])
    command.addOption(new Option(flags, description).conflicts([...excludes]).hideHelp(description === ''));
  command.addHelpText('after', `\nExample:\n  ${spec.example}`);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function usageError(error: CommanderError, argv: readonly string[]): DevenvError {
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const command = commandTable.find((row) => argv.includes(row.name))?.name;
  const both = /^option '(--[\w-]+).*' cannot be used with option '(?:-\w, )?(--[\w-]+)/.exec(message);
  if (both)
    return new DevenvError('usage', `${both[1]} and ${both[2]} do not go together`, 'leave one of them out');
  if (error.code === 'commander.help')
    return new DevenvError('usage', `unknown command '${argv[1]}'`, 'see devenv --help');
  const suggestion = rest.join(' ').replace(/[()]/g, '').trim();
  return new DevenvError(
    'usage',
    message,
    [suggestion, `see devenv ${command ? `${command} ` : ''}--help`].filter(Boolean).join(' '),
  );
}
