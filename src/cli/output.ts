import { createColors, type Colors } from '../base/index.ts';

/** What the user asked of the output, and what the streams can show. */
export interface OutputOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Facts to standard output, remarks to standard error. */
export interface Output {
  readonly colors: Colors;
  readonly errorColors: Colors;
  readonly write: (text: string) => void;
  readonly note: (line: string) => void;
}

/** Colours only on a terminal; `NO_COLOR` and `CI` switch them off, `FORCE_COLOR` on. */
export function wantsColor(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return isTerminal && env['TERM'] !== 'dumb' && !env['CI'];
}

/** Opens the output of one command on this process's own streams. */
export function openOutput({ env, json, quiet }: OutputOptions): Output {
  // A reader that closed the pipe (`| head`) has seen enough: that is no error.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
  return {
    colors: createColors(!json && wantsColor(process.stdout.isTTY, env)),
    errorColors: createColors(wantsColor(process.stderr.isTTY, env)),
    write: (text) => void process.stdout.write(text),
    note: (line) => {
      if (!quiet) process.stderr.write(`${line}\n`);
    },
  };
}
