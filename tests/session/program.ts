// What panes call as `devenv` in these tests: the one command they need, without the rest of the program.
import { createColors, environment, systemClock } from '../../src/base/index.ts';
import { waitReady } from '../../src/commands/wait-ready.ts';

const [name, ...windows] = process.argv.slice(2);
if (name !== 'wait-ready') throw new Error(`not known here: ${name}`);
try {
  await waitReady(
    {
      env: environment(),
      cwd: process.cwd(),
      clock: systemClock,
      signal: new AbortController().signal,
      json: false,
      verbose: false,
      interactive: false,
      colors: createColors(false),
      note: () => {},
      write: () => {},
      progress: () => ({ update: () => {}, end: () => Promise.resolve() }),
    },
    { windows, timeout: undefined },
  );
} catch (error) {
  process.stderr.write(`devenv: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
