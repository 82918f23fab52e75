// What panes call as `devenv` in these tests: the commands they need, without the rest of the program.
import { createColors, systemClock } from '../../src/base/index.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import { stop } from '../../src/commands/stop.ts';
import { waitReady } from '../../src/commands/wait-ready.ts';

const [name, ...rest] = process.argv.slice(2);
const windows = rest.filter((word) => !word.startsWith('--'));
const ctx: CommandContext = {
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
  signal: new AbortController().signal,
  json: false,
  verbose: false,
  interactive: false,
  colors: createColors(false),
  note: () => {},
  writeError: () => {},
  write: () => {},
  progress: () => ({ update: () => {}, end: () => Promise.resolve() }),
};
// As the program itself: a hang-up asks a command to end, it does not cut it short.
process.on('SIGHUP', () => {});
try {
  if (name === 'stop') await stop(ctx, { windows });
  else if (name === 'wait-ready')
    await waitReady(ctx, { windows, timeout: undefined, patient: process.argv.includes('--patient') });
  else throw new Error(`not known here: ${name}`);
} catch (error) {
  process.stderr.write(`devenv: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
