import { createColors, systemClock } from '../../src/base/index.ts';
import type { CommandContext } from '../../src/commands/context.ts';

/** What a command printed while it ran. */
export interface Printed {
  readonly written: string[];
  readonly notes: string[];
}

/** A context as the program gives it, without a terminal; what is printed is kept. */
export function testContext(
  given: Pick<CommandContext, 'env' | 'cwd'> & Partial<CommandContext>,
): CommandContext & Printed {
  const written: string[] = [];
  const notes: string[] = [];
  return {
    clock: systemClock,
    signal: new AbortController().signal,
    json: false,
    verbose: false,
    interactive: false,
    colors: createColors(false),
    note: (line) => void notes.push(line),
    writeError: () => {},
    write: (text) => void written.push(text),
    progress: () => ({ update: () => {}, end: async () => {} }),
    ...given,
    written,
    notes,
  };
}
