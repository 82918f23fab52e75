import { showName, type ProcessInfo } from '../base/index.ts';
import { findRoot, loadProject } from '../config/index.ts';
import {
  endOrphans,
  findSession,
  pickWindows,
  stopSession,
  stopWindows,
  unknownWindow,
  withLock,
  type SessionDeps,
  type StopResult,
} from '../session/index.ts';
import { clientVersion, createTmux } from '../tmux/index.ts';
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
    await refuseUnknown(ctx, names);
    const left = await unlessInterrupted(ctx.signal, () => endOrphans(deps, root), givenUp);
    if (left.length === 0) await clientVersion(deps.tmux); // throws without a tmux
    return {
      json: { session: null, running: false, stopped: [], killed: left.map(fact) },
      text: `no session of devenv is running for ${showName(root)}${leftText(left)}`,
    };
  }
  const onStopped = (window: string): void => {
    if (ctx.verbose) ctx.note(`${window} stopped`);
  };
  if (names.length === 0) {
    const end = async () => ({
      result: await stopSession(deps, session, onStopped),
      left: await endOrphans(deps, root, { alive: session.uid }),
    });
    const { result, left } = await unlessInterrupted(ctx.signal, end, givenUp);
    const { stopped, killed } = result;
    return {
      json: { session: session.name, running: false, ...facts({ stopped, killed: [...killed, ...left] }) },
      text: `session ${session.name} stopped${killedText(result)}${leftText(left)}`,
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

/** Without a session only the configuration knows windows. A mistake in it is no obstacle to a stop: then any name does. */
async function refuseUnknown(ctx: CommandContext, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env }).catch(() => undefined);
  const known = project?.config.windows.map(({ name }) => name) ?? names;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw unknownWindow(unknown, known);
}

const fact = ({ pid, command }: ProcessInfo): object => ({ pid, command });

const facts = ({ stopped, killed }: StopResult): object => ({ stopped, killed: killed.map(fact) });

const processes = (count: number): string => (count === 1 ? '1 process' : `${count} processes`);

const leftText = ({ length }: readonly ProcessInfo[]): string =>
  length === 0 ? '' : `; ended ${processes(length)} that an earlier one left behind`;

function killedText({ killed }: StopResult): string {
  if (killed.length === 0) return '';
  const names = killed.map((p) => `${p.pid} ${p.command.slice(0, 60)}`).join(', ');
  return `; ${processes(killed.length)} had to be killed: ${names}`;
}
