import { DevenvError, openLog, openTerminal, staySmall } from '../base/index.ts';
import { loadProject, type Project } from '../config/index.ts';
import { rollBack, undoLast } from '../rollback/index.ts';
import { findSession, isAttached, setSessionOption, showMessage, type OwnSession } from '../session/index.ts';
import { openStore } from '../store/index.ts';
import { createTmux } from '../tmux/index.ts';
import { jsonReport, lineReport, screenReport, watchProject, type Surroundings } from '../watch/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { askInMenus } from './question.ts';
import { rollbackDeps } from './rollback.ts';
import { withPorts } from './start.ts';

/** `devenv watch`: tests on every change, and the timed checkpointer, until q or Ctrl-C. */
export async function watch(
  ctx: CommandContext,
  _input: Readonly<Record<string, never>>,
): Promise<CommandResult> {
  staySmall();
  const project = await withPorts(ctx, await loadProject({ cwd: ctx.cwd, env: ctx.env }));
  // The session's own watcher stays, says so and waits for one: most layouts have it, not every project has a suite.
  if (project.config.watch.suites.length === 0 && ctx.env['DEVENV_SESSION_ID'] === undefined) {
    throw new DevenvError('config', 'there is no suite to watch', 'add one under `suites:` in devenv.yaml');
  }
  const store = openStore(ctx.env, ctx.clock);
  const problem = store.problem();
  if (problem !== undefined) ctx.note(problem);
  const log = await openLog(ctx.env, { project: project.config.name, command: 'watch' });
  const terminal = ctx.json || !ctx.interactive ? undefined : openTerminal();
  try {
    const ended = await watchProject({ env: ctx.env, clock: ctx.clock, store, log }, project, {
      signal: ctx.signal,
      around: (now) => surroundings(ctx, now),
      prepare: (now) => withPorts(ctx, now),
      report: ctx.json
        ? jsonReport(ctx.write)
        : terminal
          ? screenReport(terminal, ctx.colors)
          : lineReport(ctx.write),
      ...(terminal ? { onKey: terminal.onKey } : {}),
    });
    return ended === 'stopped' ? { exit: 130 } : {};
  } finally {
    terminal?.close();
    terminal?.write('\r\n');
    store.close();
  }
}

/** The session around the watcher, asked for anew each time: it may be stopped and built again meanwhile. */
export function surroundings(ctx: CommandContext, project: Project): Surroundings {
  const deps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  // A reset is done whole, services and all, also when the watcher is told to end meanwhile.
  const whole = { ...ctx, signal: new AbortController().signal };
  const inSession = async <T>(otherwise: T, action: (session: OwnSession) => Promise<T> | T): Promise<T> => {
    const session = (await deps.tmux.alive()) ? await findSession(deps, project.root) : undefined;
    return session ? action(session) : otherwise;
  };
  // A pane is a terminal too, but whether somebody looks at it only tmux knows.
  const onTerminal = ctx.interactive && ctx.env['DEVENV_SESSION_ID'] === undefined;
  return {
    attended: () => inSession(onTerminal, (session) => isAttached(session) || onTerminal),
    ...askInMenus(ctx, project, deps, (action) => inSession(undefined, action)),
    tell: (text) => inSession(undefined, (session) => showMessage(deps, session, text).then(() => undefined)),
    showStatus: (text) =>
      inSession(undefined, (session) =>
        setSessionOption(deps, session, '@devenv_status', text).then(() => undefined),
      ),
    undo: () => undoLast(rollbackDeps(whole, project), project),
    rollBack: ({ target, reason }) => rollBack(rollbackDeps(whole, project), project, { target, reason }),
  };
}
