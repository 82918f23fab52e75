import { showName, type ProcessInfo } from '../base/index.ts';
import { findRoot } from '../config/index.ts';
import {
  endOrphans,
  findSession,
  pickWindows,
  stopSession,
  stopWindows,
  withLock,
  type SessionDeps,
  type StopResult,
} from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { unlessInterrupted } from './unless-interrupted.ts';

// A grace may be long.
const givenUp = {
  message: 'interrupted: what was told to end may still end, the rest goes on running',
  hint: 'devenv status shows what runs; devenv stop goes on',
};

/** `devenv stop [WINDOW...]`: ends the session, or the commands of some windows, with every process in them. */
export async function stop(
  ctx: CommandContext,
  input: { readonly windows: readonly string[] },
): Promise<CommandResult> {
  const deps: SessionDeps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  const { root } = findRoot(ctx.cwd);
  const { signal, note } = ctx;
  return withLock(deps, { as: 'stop', root, signal, note }, () => stopLocked(ctx, deps, root, input.windows));
}

async function stopLocked(
  ctx: CommandContext,
  deps: SessionDeps,
  root: string,
  names: readonly string[],
): Promise<CommandResult> {
  const session = await findSession(deps, root);
  if (!session) {
    const left = await unlessInterrupted(ctx.signal, () => endOrphans(deps, root), givenUp);
    const ended =
      left.length === 0 ? '' : `; ended ${processes(left.length)} that an earlier one left behind`;
    return {
      json: { session: null, running: false, stopped: [], killed: left.map(fact) },
      text: `no session of devenv is running for ${showName(root)}${ended}`,
    };
  }
  const onStopped = (window: string): void => {
    if (ctx.verbose) ctx.note(`${window} stopped`);
  };
  if (names.length === 0) {
    const result = await unlessInterrupted(ctx.signal, () => stopSession(deps, session, onStopped), givenUp);
    return {
      json: { session: session.name, running: false, ...facts(result) },
      text: `session ${session.name} stopped${killedText(result)}`,
    };
  }
  const windows = pickWindows(session, names);
  const result = await unlessInterrupted(
    ctx.signal,
    () => stopWindows(deps, session, windows, onStopped),
    givenUp,
  );
  const idle = names.filter((name) => !result.stopped.includes(name));
  const text = [
    result.stopped.length > 0 ? `stopped ${result.stopped.join(', ')}${killedText(result)}` : '',
    idle.length > 0 ? `${idle.join(', ')}: not running` : '',
  ];
  return {
    json: { session: session.name, running: true, ...facts(result) },
    text: text.filter(Boolean).join('\n'),
  };
}

const fact = ({ pid, command }: ProcessInfo): object => ({ pid, command });

const facts = ({ stopped, killed }: StopResult): object => ({ stopped, killed: killed.map(fact) });

const processes = (count: number): string => (count === 1 ? '1 process' : `${count} processes`);

function killedText({ killed }: StopResult): string {
  if (killed.length === 0) return '';
  const names = killed.map((p) => `${p.pid} ${p.command.slice(0, 60)}`).join(', ');
  return `; ${processes(killed.length)} had to be killed: ${names}`;
}
