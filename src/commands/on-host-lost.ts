import { DevenvError } from '../base/index.ts';
import { aftermathScript, readAftermath, type Aftermath, type Connected } from '../remote/index.ts';
import type { CommandContext } from './context.ts';

const askTimes = 6;
const longestWaitMs = 30_000;

/**
 * The link broke under a recorded command: the box is asked what became of it, and never guessed at. Waits for one
 * that is still at work. Returns its exit status, or `never` when it had not begun and will not; throws `lost` when it
 * did not come to its end.
 */
export async function afterLoss(
  ctx: CommandContext,
  to: Connected,
  record: string,
  /** What of its standard output was not shown yet. */
  show: (output: Buffer) => void,
): Promise<number | 'never'> {
  const { name } = to.target;
  ctx.note(`${name}: the connection was lost while the command ran; asking what became of it`);
  for (;;) {
    const after = await ask(ctx, to, record);
    if (after.kind === 'ended') {
      ctx.note(`${name}: it came to its end there with status ${after.code}`);
      show(after.output);
      return after.code;
    }
    if (after.kind === 'never') return 'never';
    if (after.kind === 'gone')
      throw new DevenvError(
        'lost',
        `${name}: the command did not come to its end there`,
        `devenv status --host ${name} shows how things stand; to run it again is safe`,
      );
    await ctx.clock.sleep(1000, ctx.signal);
    if (ctx.signal.aborted)
      throw new DevenvError('interrupted', `interrupted; the command goes on on ${name}`);
  }
}

async function ask(ctx: CommandContext, to: Connected, record: string): Promise<Aftermath> {
  for (let tries = 1; ; tries++) {
    try {
      const script = aftermathScript(record);
      const answer = await to.transport.run({ ...script, timeoutMs: 30_000, signal: ctx.signal });
      return readAftermath(answer.stdout);
    } catch (error) {
      const again = error instanceof DevenvError && /^(unreachable|lost|timeout)$/.test(error.code);
      if (!again || tries >= askTimes || ctx.signal.aborted) throw unasked(to.target.name, error);
      const waitMs = Math.min(longestWaitMs, 1000 * 2 ** (tries - 1));
      ctx.note(`${error.message}; trying again in ${waitMs / 1000} s`);
      await ctx.clock.sleep(waitMs, ctx.signal);
    }
  }
}

/** It was begun, and the box cannot be asked: that it is not reached now says nothing of the command. */
function unasked(name: string, error: unknown): DevenvError {
  return new DevenvError(
    'lost',
    `${name}: the connection was lost while the command ran, and the box cannot be asked what became of it`,
    `devenv status --host ${name} shows it once the box is back${error instanceof DevenvError ? ` (now: ${error.message})` : ''}`,
    error,
  );
}
