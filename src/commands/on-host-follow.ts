import { isPassing, type Connected } from '../remote/index.ts';
import type { CommandContext } from './context.ts';
import { commandFor, withNeeds, type ThereInput } from './on-host-run.ts';

/** Whether a command goes on until the user ends it. */
export function follows(command: string, options: Readonly<Record<string, unknown>>): boolean {
  return (
    (command === 'logs' && options['follow'] === true) || (command === 'status' && options['watch'] === true)
  );
}

const longestWaitMs = 30_000;
/** Clocks tick differently, and lines were under way when the link broke: this much is asked for again. */
const marginSec = 3;

/**
 * Follows something on a box, over lost links: connects again with growing waits, and goes on where it was. Of logs
 * the last lines are asked for once more, and those that were shown already are left out.
 */
export async function followThere(ctx: CommandContext, to: Connected, input: ThereInput): Promise<number> {
  const shown = createShown(ctx);
  let { argv } = input;
  for (let waitMs = 1000; ;) {
    const from = ctx.clock.monotonic();
    try {
      const command = { ...commandFor(ctx, to.target, argv), endsWithLink: true };
      return await withNeeds({ ...ctx, write: shown.write }, to, command, { repeatable: false });
    } catch (error) {
      if (!isPassing(error) || shown.lastAt() === undefined || ctx.signal.aborted) throw error;
      if (ctx.clock.monotonic() - from > longestWaitMs) waitMs = 1000;
      ctx.note(`connection to ${to.target.name} lost; trying again in ${waitMs / 1000} s`);
      await ctx.clock.sleep(waitMs, ctx.signal);
      waitMs = Math.min(longestWaitMs, waitMs * 2);
      if (input.argv[0] === 'logs') {
        const missedSec = (ctx.clock.monotonic() - (shown.lastAt() ?? from)) / 1000;
        argv = resumedLogs(input.argv, Math.ceil(missedSec) + marginSec);
        shown.resume();
      }
    }
  }
}

/** The command line that shows only what is younger; how many lines were asked for at first counts no more. */
export function resumedLogs(argv: readonly string[], seconds: number): readonly string[] {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (/^(-n|--lines|--since)$/.test(word)) i += 1;
    else if (!/^(-n\d|--lines=|--since=)/.test(word)) kept.push(word);
  }
  return [...kept, '--since', `${seconds}s`];
}

const kept = 1000;

interface Shown {
  readonly write: (text: string) => void;
  /** When something came last, in monotonic milliseconds; undefined: never. */
  readonly lastAt: () => number | undefined;
  /** What comes next may begin with lines that were shown already. */
  readonly resume: () => void;
}

function createShown(ctx: CommandContext): Shown {
  let lines: readonly string[] = [];
  let at: number | undefined;
  let resumed = false;
  return {
    write: (text) => {
      at = ctx.clock.monotonic();
      const came = text.split('\n').slice(0, -1);
      const news = resumed ? came.slice(overlap(lines, came)) : came;
      resumed = false;
      lines = [...lines, ...news].slice(-kept);
      if (news.length === came.length) ctx.write(text);
      else if (news.length > 0) ctx.write(`${news.join('\n')}\n`);
    },
    lastAt: () => at,
    resume: () => void (resumed = true),
  };
}

/** How many lines at the beginning of `came` are the last ones of `before`, as many as possible. */
export function overlap(before: readonly string[], came: readonly string[]): number {
  for (let length = Math.min(before.length, came.length); length > 0; length--)
    if (came.slice(0, length).every((line, i) => line === before[before.length - length + i])) return length;
  return 0;
}
