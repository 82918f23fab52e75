import { DevenvError, type Clock } from '../base/index.ts';
import { isPassing } from './failure.ts';
import { aftermathScript, readAftermath, type Aftermath } from './on-box.ts';
import type { Connected } from './types.ts';

/** What asking a box takes. */
export interface AskDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

const askTimes = 6;
const longestWaitMs = 30_000;

/**
 * The link broke under a recorded command: the box is asked what became of it, and never guessed at. Waits for one
 * that is still at work. Throws `lost` when the box cannot be asked, `interrupted` when the user does not wait.
 */
export async function askAftermath(
  to: Connected,
  record: string,
  deps: AskDeps,
): Promise<Exclude<Aftermath, { kind: 'running' }>> {
  const { name } = to.target;
  deps.note(`${name}: the connection was lost while the command ran; asking what became of it`);
  for (;;) {
    const after = await askOnce(to, record, deps);
    if (after.kind !== 'running') return after;
    await deps.clock.sleep(1000, deps.signal);
    if (deps.signal.aborted)
      throw new DevenvError('interrupted', `interrupted; the command goes on on ${name}`);
  }
}

async function askOnce({ target, transport }: Connected, record: string, deps: AskDeps): Promise<Aftermath> {
  for (let tries = 1; ; tries++) {
    try {
      const asked = { ...aftermathScript(record), timeoutMs: 30_000, signal: deps.signal };
      return readAftermath((await transport.run(asked)).stdout);
    } catch (error) {
      if (!isPassing(error) || tries >= askTimes || deps.signal.aborted) throw unasked(target.name, error);
      const waitMs = Math.min(longestWaitMs, 1000 * 2 ** (tries - 1));
      deps.note(`${error.message}; trying again in ${waitMs / 1000} s`);
      await deps.clock.sleep(waitMs, deps.signal);
    }
  }
}

/** It was sent, and the box cannot be asked: that it is not reached now says nothing of the command. */
function unasked(name: string, error: unknown): DevenvError {
  if (error instanceof DevenvError && error.code === 'interrupted') return error;
  return new DevenvError(
    'lost',
    `${name}: the connection was lost while the command ran, and the box cannot be asked what became of it`,
    `devenv status --host ${name} shows it once the box is back${error instanceof DevenvError ? ` (now: ${error.message})` : ''}`,
    error,
  );
}
