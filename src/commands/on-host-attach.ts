import { DevenvError, openTerminal, randomId } from '../base/index.ts';
import { isPassing, readNeed, terminalScript, type Connected } from '../remote/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { commandFor, runThere, satisfy, type ThereInput } from './on-host-run.ts';
import { openForwards } from './on-host-forward.ts';

/** `start --host` and `attach --host`: what is shown on this terminal is the box's. */
export async function startOrAttach(
  ctx: CommandContext,
  to: Connected,
  input: ThereInput & {
    readonly command: string;
    readonly args: readonly string[];
    readonly options: Readonly<Record<string, unknown>>;
  },
): Promise<CommandResult> {
  const { options } = input;
  const argv = input.argv.filter((word) => word !== '--forward');
  const shows = ctx.interactive && options['detach'] !== true && !ctx.json;
  if (input.command === 'start') {
    const code = await runThere(ctx, to, { kind: 'changes', argv: shows ? shownHere(argv) : argv });
    if (code !== 0 || !shows) return { exit: code };
  } else if (!ctx.interactive) {
    throw new DevenvError(
      'environment',
      'attach needs a terminal',
      `devenv status --host ${to.target.name} and devenv logs --host ${to.target.name} work without one`,
    );
  }
  const window = input.args[0];
  return { exit: await attachThere(ctx, to, { window, forward: options['forward'] === true }) };
}

function shownHere(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  const at = end < 0 ? argv.length : end;
  return [...argv.slice(0, at), '--detach', '--shown', ...argv.slice(at)];
}

interface AttachInput {
  readonly window: string | undefined;
  readonly forward: boolean;
}

/** Leaves the alternate screen and every mode that tmux may have set: the box cannot do it any more. */
const resetScreen =
  '\u001B[?1049l\u001B[?25h\u001B[?1000l\u001B[?1002l\u001B[?1003l\u001B[?1006l\u001B[?2004l\u001B[?1004l\u001B[0m\r\n';

/**
 * Shows the session on this terminal until the user detaches. A lost link is made again, with a countdown; the client
 * that was left behind on the box is sent away then, so that it does not pin the size of the windows.
 */
async function attachThere(ctx: CommandContext, to: Connected, input: AttachInput): Promise<number> {
  const { target, transport } = to;
  // The same for every try: by it the box knows the client that was left behind.
  const client = randomId(8);
  let forwards = input.forward ? await openForwards(ctx, to) : undefined;
  for (let lostTimes = 0; ; lostTimes++) {
    const base = commandFor(ctx, target, ['attach', ...(input.window === undefined ? [] : [input.window])]);
    const script = terminalScript({ ...base, env: { ...base.env, DEVENV_CLIENT: client } });
    const shownAt = ctx.clock.monotonic();
    const again = lostTimes > 0;
    const { code } = await attempt(async () => {
      if (again) forwards = await forwards?.again();
      return transport.attach(script);
    }, again);
    if (code !== undefined) {
      const need = readNeed(code);
      if (need === undefined) {
        await forwards?.close();
        return code;
      }
      await satisfy(ctx, to, need);
      continue;
    }
    ctx.write(resetScreen);
    // What stood for a while was a good connection: the next loss begins with short waits again.
    if (ctx.clock.monotonic() - shownAt > steadyMs) lostTimes = 0;
    await countDown(ctx, target.name, waitSeconds(lostTimes));
  }
}

const steadyMs = 20_000;
const waitSeconds = (times: number): number => Math.min(30, 2 ** times);

/** What cannot be reached at a second try may be later; at the first it is an answer. */
async function attempt(
  attach: () => Promise<{ readonly code: number | undefined }>,
  again: boolean,
): Promise<{ readonly code: number | undefined }> {
  try {
    return await attach();
  } catch (error) {
    if (!again || !isPassing(error)) throw error;
    return { code: undefined };
  }
}

/** Counts down to the next try; Enter tries now, q and Ctrl-C give up. */
async function countDown(ctx: CommandContext, host: string, seconds: number): Promise<void> {
  const terminal = openTerminal();
  const now = new AbortController();
  let given = false;
  terminal?.onKey((key) => {
    given ||= key === 'q' || key === '\u0003';
    if (given || key === '\r') now.abort();
  });
  const stop = (): void => now.abort();
  ctx.signal.addEventListener('abort', stop, { once: true });
  try {
    for (let left = seconds; left > 0 && !now.signal.aborted; left--) {
      const text = `connection to ${host} lost; trying again in ${left} s (Enter: now, q: give up)`;
      ctx.write(`\r\u001B[K${text}`);
      await ctx.clock.sleep(1000, now.signal);
    }
    ctx.write(`\r\u001B[Kconnecting to ${host} ...\r`);
  } finally {
    ctx.signal.removeEventListener('abort', stop);
    terminal?.close();
  }
  if (given || ctx.signal.aborted)
    throw new DevenvError(
      'lost',
      `the connection to ${host} was lost; the session goes on there`,
      `devenv attach --host ${host} shows it again`,
    );
}
