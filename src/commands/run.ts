import { DevenvError, nameHint, showsColors, withoutEscapes } from '../base/index.ts';
import { loadProject, type Project } from '../config/index.ts';
import { findSession, runInWindow, windowsOf, type OwnSession, type SessionDeps } from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { withPorts } from './start.ts';

/** `devenv run SUITE|WINDOW`: a task, in its window when the session is up, else here. Exits with its status. */
export async function run(ctx: CommandContext, input: { readonly name: string }): Promise<CommandResult> {
  const project = await withPorts(ctx, await loadProject({ cwd: ctx.cwd, env: ctx.env }));
  const { windows, suites } = project.config;
  const window =
    windows.find((w) => w.name === input.name && w.kind === 'task') ??
    windows.find((w) => w.run === input.name);
  const suite = suites.find((s) => s.name === (window?.run ?? input.name));
  if (!window && !suite) throw noTask(input.name, project.config);
  const deps: SessionDeps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  // In the window itself this is the command that the window runs.
  const here =
    window === undefined ||
    (ctx.env['DEVENV_WINDOW'] === window.name && ctx.env['DEVENV_ROOT'] === project.root);
  const session = here ? undefined : await findSession(deps, project.root);
  if (session && window) return inWindow(ctx, deps, project, { session, name: window.name });
  if (suite) return suiteHere(ctx, project, suite.name);
  throw new DevenvError(
    'no-session',
    `${input.name} runs in its window, and no session is running`,
    'devenv start builds it',
  );
}

async function inWindow(
  ctx: CommandContext,
  deps: SessionDeps,
  project: Project,
  where: { readonly session: OwnSession; readonly name: string },
): Promise<CommandResult> {
  const window = windowsOf(where.session).find((w) => w.name === where.name);
  if (!window)
    throw new DevenvError(
      'unknown-window',
      `${where.name} is not in the running session`,
      `devenv start ${where.name} adds it`,
    );
  const exit = await runInWindow(deps, project, where.session, window, {
    signal: ctx.signal,
    onOutput: shown(ctx),
  });
  return { json: { name: where.name, window: where.name, exit }, exit };
}

async function suiteHere(ctx: CommandContext, project: Project, name: string): Promise<CommandResult> {
  const [{ verify }, { openStore }] = await Promise.all([
    import('../verify/index.ts'),
    import('../store/index.ts'),
  ]);
  const store = openStore(ctx.env, ctx.clock);
  const show = shown(ctx);
  try {
    const { suites, tree } = await verify({ env: ctx.env, clock: ctx.clock, store }, project, {
      suites: [name],
      reason: 'run',
      reruns: 0,
      signal: ctx.signal,
      on: { output: (_suite, chunk) => show(chunk) },
    });
    const [result] = suites;
    if (ctx.signal.aborted || !result || result.verdict === 'stopped')
      throw new DevenvError('interrupted', `interrupted; ${name} was stopped`);
    const { output: _output, ...facts } = result;
    if (result.exit === null && result.why !== undefined) ctx.note(`${name} is broken: ${result.why}`);
    const exit = result.exit ?? 1;
    return { json: { ...facts, tree, window: null, exit }, exit };
  } finally {
    store.close();
  }
}

/** What a task prints, as this output can show it. */
const shown = ({ json, colors, write }: CommandContext): ((text: string) => void) =>
  json ? () => {} : showsColors(colors) ? write : withoutEscapes(write);

/** Why nothing of this name can be run: a window that does not end is started or attached to instead. */
function noTask(name: string, { suites, windows }: Project['config']): DevenvError {
  const window = windows.find((w) => w.name === name);
  if (window) {
    const [command = ''] = window.panes.flatMap((pane) => pane.command ?? []);
    const here = command.startsWith('devenv ') ? `; here: ${command}` : '';
    return new DevenvError(
      'usage',
      `${name} is a ${window.kind}: run is for suites and tasks`,
      window.kind === 'tool'
        ? `devenv attach ${name} shows it${here}`
        : `devenv start ${name} starts it, devenv restart ${name} again`,
    );
  }
  const known = [...suites, ...windows.filter((w) => w.kind === 'task')].map((one) => one.name);
  return new DevenvError('unknown-suite', `no suite or task called ${name}`, nameHint(name, known));
}
