import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { isatty } from 'node:tty';
import {
  DevenvError,
  errnoOf,
  exitCodes,
  explainFsError,
  messageOf,
  showText,
  spokenPlaces,
  systemClock,
} from '../base/index.ts';
import type { Begun } from '../commands/begun.ts';
import type { CommandContext, CommandResult } from '../commands/context.ts';
import { commandTable } from './commands.ts';
import { openOutput, type Output } from './output.ts';
import { parseCommandLine, type Globals } from './program.ts';
import { drawsLists, liveProgress, plainProgress } from './progress.ts';
import { runOnHost } from './remote.ts';

/** Whether this build only knows how to run commands on a remote box. */
declare const DEVENV_ONLY_REMOTE: boolean | undefined;

/**
 * Runs the program. The only place that catches everything and sets the exit status. When it resolves, all is
 * said and written: the process can be ended at once, which spares a tenth of a Node start-up of tidying.
 * `elsewhere`: the command is not in this build.
 */
export async function main(argv: readonly string[]): Promise<'elsewhere' | undefined> {
  const json = argv.includes('--json');
  const places = placesIn(argv);
  const output = openOutput({
    env: process.env,
    json,
    quiet: argv.includes('-q') || argv.includes('--quiet'),
    places,
    remote: takeRemote(),
  });
  const stop = new AbortController();
  const begun = await begin(argv);
  try {
    const invocation = parseCommandLine(argv);
    if (invocation.kind === 'text') {
      output.writeLast(invocation.text);
      process.exitCode = invocation.exit;
      return undefined;
    }
    if (typeof DEVENV_ONLY_REMOTE === 'boolean' && !invocation.globals.host) return 'elsewhere';
    listenForSignals(stop, () => report(leftAtOnce(invocation.globals.host), { ...output, places }, argv));
    const context = openContext(output, invocation.globals, stop.signal);
    const { spec, parsed, globals } = invocation;
    const result =
      globals.host === undefined
        ? await spec.run({ ...context, begun }, parsed, commandTable)
        : await runOnHost(context, { ...globals, host: globals.host }, { spec, parsed }, argv);
    printResult(result, output, json);
    process.exitCode = result.exit ?? 0;
  } catch (thrown) {
    process.exitCode = report(
      stop.signal.aborted ? interrupted(thrown) : explainFsError(thrown, 'writing'),
      { ...output, places },
      argv,
    );
  } finally {
    begun?.start?.release();
    await output.flush();
  }
  return undefined;
}

/** The folders that a message may name: where we are, where we were told to be, and where devenv keeps things. */
function placesIn(argv: readonly string[]): readonly string[] {
  const given = argv.flatMap((word, i) =>
    word === '--cwd' ? (argv[i + 1] ?? []) : word.startsWith('--cwd=') ? word.slice(6) : [],
  );
  try {
    return spokenPlaces(process.env, [process.cwd(), ...given]);
  } catch {
    return spokenPlaces(process.env, given); // no current directory: told when it is asked for
  }
}

/** Whether another machine shows what this one says; what is started from here (a session) is not told. */
function takeRemote(): 'color' | 'plain' | undefined {
  const remote = process.env['DEVENV_REMOTE'];
  if (remote === undefined) return undefined;
  delete process.env['DEVENV_REMOTE'];
  return remote === 'color' ? 'color' : 'plain';
}

/** Lets a command begin before its options are read, where nothing in them can be about where it runs. */
async function begin(argv: readonly string[]): Promise<Begun | undefined> {
  if (argv.some((word) => /^(-h|--help|--cwd|--host)/.test(word))) return undefined;
  const row = commandTable.find(({ name }) => name === argv[0]);
  try {
    return await row?.begin?.({ cwd: process.cwd(), env: process.env }, argv);
  } catch {
    return undefined; // no current directory: told when the command asks for it
  }
}

/**
 * The first signal asks the command to end and clean up; a second Ctrl-C ends it here and now, with a word of that. Others may come
 * twice without impatience: a pane that closes sends a hang-up, and what stops it then asks again.
 */
function listenForSignals(stop: AbortController, leave: () => number): void {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted && signal === 'SIGINT') process.exit(leave());
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal);
}

const leftAtOnce = (host: string | undefined): DevenvError =>
  new DevenvError(
    'interrupted',
    'interrupted again, and left at once: what was told to end may still end',
    `devenv status${host === undefined ? '' : ` --host ${host}`} shows what runs`,
  );

function openContext(output: Output, globals: Globals, signal: AbortSignal): CommandContext {
  // Not process.stdin.isTTY: opening that stream loads half of Node's streams.
  const interactive = isatty(0) && isatty(1);
  const live = isatty(2) && isatty(1) && !globals.json && !globals.quiet && !process.env['CI'];
  return {
    env: process.env,
    cwd: workingDirectory(globals.cwd),
    clock: systemClock,
    signal,
    json: globals.json,
    verbose: globals.verbose,
    acceptNewHostKey: globals.acceptNewHostKey,
    interactive,
    colors: output.colors,
    note: output.note,
    write: output.write,
    writeError: output.complain,
    progress: (titles) => (drawsLists && live ? liveProgress(titles) : plainProgress(output.note)),
  };
}

function workingDirectory(given: string | undefined): string {
  let here: string;
  try {
    here = process.cwd();
  } catch (error) {
    throw new DevenvError(
      'usage',
      'the current directory does not exist any more',
      'cd to one that does',
      error,
    );
  }
  // Node gives other bytes of a name as U+FFFD: such a folder cannot be reached by what it says.
  if (here.includes('\uFFFD') && !existsSync(here))
    throw new DevenvError(
      'environment',
      `the path of the current directory is not UTF-8 text: ${here}`,
      'rename the folder whose name it is',
    );
  const dir = path.resolve(here, given ?? '.');
  const found = given === undefined ? undefined : statSync(dir, { throwIfNoEntry: false });
  if (given !== undefined && !found?.isDirectory())
    throw new DevenvError(
      'usage',
      `--cwd: ${found ? 'not a' : 'no such'} directory: ${dir}`,
      'name one that exists',
    );
  return dir;
}

function printResult(result: CommandResult, output: Output, json: boolean): void {
  if (json) {
    if (result.json !== undefined) output.writeLast(`${JSON.stringify(result.json)}\n`);
    return;
  }
  if (result.text !== undefined && result.text !== '')
    output.writeLast(result.text.endsWith('\n') ? result.text : `${result.text}\n`);
  if (result.next !== undefined) output.note(result.next);
}

function interrupted(thrown: unknown): unknown {
  return thrown instanceof DevenvError && thrown.code === 'interrupted'
    ? thrown
    : new DevenvError('interrupted', 'interrupted', undefined, thrown);
}

/** Tells the user what went wrong, in one line and a hint, and returns the exit status. */
function report(
  thrown: unknown,
  output: Output & { readonly places: readonly string[] },
  argv: readonly string[],
): number {
  const known = thrown instanceof DevenvError;
  const code = known ? thrown.code : 'internal';
  const message = known ? thrown.message : `unexpected: ${messageOf(thrown)}`;
  const hint = known
    ? thrown.hint
    : 'this is a defect of devenv; run it again with -v to see where, and please report it';
  if (argv.includes('--json'))
    output.writeLast(`${JSON.stringify({ error: { code, message, hint: hint ?? '' } })}\n`);
  else {
    const said = showText(`${message}\n${hint ? `  ${hint}\n` : ''}`, output.places);
    output.complain(`${output.errorColors.red('devenv:')} ${said}`);
  }
  const detail = known ? thrown.cause : thrown;
  if (
    (argv.includes('-v') || argv.includes('--verbose')) &&
    detail instanceof Error &&
    errnoOf(detail) !== 'ENOENT'
  ) {
    output.complain(`${output.errorColors.dim(detail.stack ?? detail.message)}\n`);
  }
  return exitCodes[code];
}
