import { DevenvError, parseDuration, terminalSize, type ProcessInfo } from '../base/index.ts';
import { loadProject, resolvePorts, type Project } from '../config/index.ts';
import {
  attachSession,
  canAttach,
  endOrphans,
  requireSession,
  startSession,
  unsettledWindows,
  type Preflight,
  type SessionDeps,
  type StartResult,
} from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import { awaitReady, isInterrupted, whileItStays } from './await-ready.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface StartInput {
  readonly windows: readonly string[];
  readonly detach: boolean;
  /** Another devenv attaches when this one has ended. */
  readonly shown?: boolean;
  readonly wait: boolean;
  readonly layout: string | undefined;
  readonly timeout: string | undefined;
}

/** `devenv start [WINDOW...]`: builds the session or what is missing of it, waits, attaches. */
export async function start(ctx: CommandContext, input: StartInput): Promise<CommandResult> {
  const timeoutMs = readTimeout(input.timeout);
  const loaded = await loadProject({ cwd: ctx.cwd, env: ctx.env, layout: input.layout });
  if (loaded.detected.length > 0)
    ctx.note(
      `no devenv.yaml: using what this folder holds (${loaded.detected.join('; ')}); devenv init writes it down`,
    );
  const project = await withPorts(ctx, loaded);
  const deps: SessionDeps = { env: ctx.env, clock: ctx.clock, tmux: createTmux(ctx.env) };
  const result = await startSession(deps, project, {
    windows: input.windows,
    size: ctx.interactive ? terminalSize() : undefined,
    signal: ctx.signal,
    note: ctx.note,
    preflight: requirePorts(deps, project, ctx.note),
    begun: ctx.begun?.start,
  }).catch(async (error: unknown) => {
    // Ctrl-C also ends the tmux client that is just asking; what ends while it builds says so itself.
    const isTold = error instanceof DevenvError && error.code === 'interrupted';
    throw !isTold && (await isInterrupted(ctx.signal))
      ? new DevenvError('interrupted', 'interrupted; nothing was built', undefined, error)
      : error;
  });
  tell(ctx, result);
  const shows = ctx.interactive && !input.detach && !ctx.json;
  const attach = shows && (await canAttach(deps));
  if (shows && !attach)
    ctx.note(
      'nobody is attached to the tmux session that this runs in: devenv attach in a terminal shows it',
    );
  if (input.wait) {
    const waited = await whileItStays(ctx.signal, result.session, () =>
      toWaitFor(deps, project, result, attach || input.shown === true),
    );
    if (waited.length > 0)
      await awaitReady(ctx, deps, project, { windows: waited, session: result.session, timeoutMs });
  }
  if (attach) await attachSession(deps, await requireSession(deps, project.root), input.windows[0]);
  const { created, started, session } = result;
  return {
    json: { project: project.config.name, session, created, started, running: true },
    ...(attach ? {} : { text: summary(ctx, project, result) }),
  };
}

/** What this start built, and what another one built that is not ready yet. */
async function toWaitFor(
  deps: SessionDeps,
  project: Project,
  { created, started, wanted }: StartResult,
  attaching: boolean,
): Promise<readonly string[]> {
  if (created) return started;
  const others = await unsettledWindows(deps, project.root, { wanted, attaching });
  return wanted.filter((name) => started.includes(name) || others.includes(name));
}

/** A duration as typed after `--timeout`. */
export function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new DevenvError('usage', `--timeout: not a duration: ${text}`, 'for example 60s or 2m');
  return ms;
}

function tell(ctx: CommandContext, result: StartResult): void {
  if (result.created) return;
  const added = result.started.filter((name) => !result.revived.includes(name));
  const does = [
    ...(added.length > 0 ? [`adding ${added.join(', ')}`] : []),
    ...(result.revived.length > 0 ? [`starting ${result.revived.join(', ')} again`] : []),
  ];
  ctx.note(`session ${result.session} is already running${does.map((what) => `; ${what}`).join('')}`);
}

function summary(ctx: CommandContext, project: Project, result: StartResult): string {
  if (result.started.length === 0) return '';
  const ports = project.config.windows.flatMap((w) =>
    result.started.includes(w.name) && typeof w.port === 'number' ? [`${w.name} on port ${w.port}`] : [],
  );
  const what = result.created ? `session ${result.session} is up` : whatIsNew(result);
  return `${ctx.colors.green(what)}${ports.length > 0 ? ` (${ports.join(', ')})` : ''}; devenv attach shows it, devenv stop ends it`;
}

function whatIsNew({ session, started, revived }: StartResult): string {
  const added = started.filter((name) => !revived.includes(name));
  return [
    ...(added.length > 0 ? [`added to session ${session}: ${added.join(', ')}`] : []),
    ...(revived.length > 0 ? [`started again in session ${session}: ${revived.join(', ')}`] : []),
  ].join('; ');
}

/** Gives each window with `port: auto` the port it had before, or another free one, and keeps that. */
export async function withPorts(
  ctx: Pick<CommandContext, 'env' | 'clock'>,
  project: Project,
): Promise<Project> {
  const wanting = project.config.windows.filter((w) => w.port === 'auto');
  if (wanting.length === 0) return project;
  const [{ allotPort, holderOf }, { openStore }] = await Promise.all([
    import('../ports/index.ts'),
    import('../store/index.ts'),
  ]);
  const store = openStore(ctx.env, ctx.clock);
  try {
    const remembered = rememberedPorts(store.getValue(project.id, 'ports'));
    const taken = new Set(
      project.config.windows.flatMap((w) => (typeof w.port === 'number' ? [w.port] : [])),
    );
    const ports: Record<string, number> = {};
    for (const { name } of wanting) {
      const isOurs = async (port: number): Promise<boolean> => {
        const holder = await holderOf(port);
        return holder?.session === project.sessionName && holder.window === name;
      };
      const port = await allotPort({
        projectId: project.id,
        window: name,
        remembered: remembered[name],
        taken,
        isOurs,
      });
      if (port === undefined)
        throw new DevenvError('port-taken', `no free port for ${name}`, 'end something that listens');
      taken.add(port);
      ports[name] = port;
    }
    store.setValue(project.id, 'ports', { ...remembered, ...ports });
    return resolvePorts(project, ports);
  } finally {
    store.close();
  }
}

function rememberedPorts(kept: unknown): Readonly<Record<string, number>> {
  if (typeof kept !== 'object' || kept === null) return {};
  return Object.fromEntries(Object.entries(kept).filter(([, port]) => typeof port === 'number'));
}

/**
 * Looks at the ports that windows are to have. What an earlier session that is gone left behind there or in that
 * very window is ended, and told. Throws 'port-taken' when somebody else listens there.
 */
export function requirePorts(deps: SessionDeps, project: Project, note: (line: string) => void): Preflight {
  return async (windows, alive) => {
    const fixed = windows.flatMap(({ name, port }) => (typeof port === 'number' ? [{ name, port }] : []));
    if (fixed.length === 0) return;
    const { holderOf, isPortFree } = await import('../ports/index.ts');
    const free = await Promise.all(fixed.map(({ port }) => isPortFree(port)));
    for (const { name, port } of fixed.filter((_, i) => free[i] === false)) {
      // Its window may have had another name then.
      const holder = await holderOf(port);
      const windows = [name, ...(holder?.root === project.root && holder.window ? [holder.window] : [])];
      const left = await endOrphans(deps, project.root, { windows, alive });
      if (left.length > 0)
        note(`${name}: ended what an earlier session left behind (${left.map(named).join('; ')})`);
      if (!(await becomesFree(deps, port))) throw await portTaken(project, name, port);
    }
  };
}

/** A process that is just ending (a session that was stopped a moment ago) lets its port go by itself. */
async function becomesFree(deps: SessionDeps, port: number): Promise<boolean> {
  const { holderOf, isPortFree } = await import('../ports/index.ts');
  for (let round = 0; round < 10; round++) {
    if (await isPortFree(port)) return true;
    if (await holderOf(port)) return false;
    await deps.clock.sleep(50);
  }
  return false;
}

async function portTaken(project: Project, name: string, port: number): Promise<DevenvError> {
  const { findFreePort, holderOf } = await import('../ports/index.ts');
  const holder = await holderOf(port);
  const others = new Set(project.config.windows.flatMap((w) => (typeof w.port === 'number' ? [w.port] : [])));
  const other = await findFreePort(port + 1, others);
  const where =
    holder?.session === undefined ? '' : `, window ${holder.window ?? '?'} of session ${holder.session}`;
  const who = holder ? `process ${holder.pid} (${shorten(holder.command)}${where})` : 'another process';
  return new DevenvError(
    'port-taken',
    `port ${port} of ${name} is taken by ${who}`,
    `end it, or give ${name} another port: ${other ?? 'auto'} is free (port: auto finds one by itself)`,
  );
}

const named = ({ pid, command }: ProcessInfo): string => `process ${pid}, ${shorten(command)}`;

const shorten = (command: string): string => (command.length > 80 ? `${command.slice(0, 79)}…` : command);
