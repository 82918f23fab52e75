import { DevenvError, randomId } from '../base/index.ts';
import type { Project, WindowConfig } from '../config/index.ts';
import {
  clientVersion,
  encodeMark,
  explain,
  format,
  listPanes,
  requireVersion,
  sequence,
  type PaneRow,
} from '../tmux/index.ts';
import type { BegunStart } from './begin.ts';
import { buildCommands, makeRecipe, type Command, type Recipe } from './build.ts';
import { requireFolders } from './folders.ts';
import { withLock } from './lock.ts';
import { planSession, type PlacedWindow, type SessionPlan } from './plan.ts';
import { respawn } from './restart.ts';
import type { SessionDeps } from './types.ts';

/** Looks at the windows that will be built; `alive` is the id of the session that they will join, if it runs. */
export type Preflight = (windows: readonly WindowConfig[], alive: string | undefined) => Promise<void>;

export interface StartOptions {
  /** Only these windows and what they need; all for none. */
  readonly windows: readonly string[];
  /** The size of the terminal that will show it; default 200x50. */
  readonly size?: { readonly columns: number; readonly rows: number } | undefined;
  /** Aborted: nothing of what this start built stays. */
  readonly signal?: AbortSignal | undefined;
  /** Told what is waited for before it can begin. */
  readonly note?: (line: string) => void;
  /** Called before anything is built: may throw to prevent it. */
  readonly preflight?: Preflight;
  /** What began while the configuration was being read; it is over when this is. */
  readonly begun?: BegunStart | undefined;
}

export interface StartResult {
  /** Whether the session is new. */
  readonly created: boolean;
  /** Windows built or started again now; empty when everything ran already. */
  readonly started: readonly string[];
  /** Those of them that were there and had ended. */
  readonly revived: readonly string[];
  /** The windows asked for and what they need, whether they ran already or not. */
  readonly wanted: readonly string[];
  readonly session: string;
}

/**
 * Builds the project's session, or what is missing of it, with at most two tmux processes: one looks, one builds;
 * with what had begun one does both. It is built under a passing name and gets its own with the last command, so it
 * is seen whole or not at all. Throws `refused`, `no-tmux`, `old-tmux`, `interrupted`, `unknown-window`, `config`.
 */
export async function startSession(
  deps: SessionDeps,
  project: Project,
  options: StartOptions,
): Promise<StartResult> {
  const { begun } = options;
  try {
    const usable = begun?.root === project.root && begun.client.tmux.socket === deps.tmux.socket;
    const found = usable ? await begun.client.panes : undefined;
    if (!usable || !found) {
      begun?.release();
      const { signal, note } = options;
      return await withLock(deps, { as: 'start', root: project.root, signal, note }, async () =>
        startLocked(deps, project, options, await look(deps)),
      );
    }
    requireVersion(found.version);
    return await startLocked({ ...deps, tmux: begun.client.tmux }, project, options, found.rows);
  } finally {
    begun?.release();
  }
}

async function startLocked(
  deps: SessionDeps,
  project: Project,
  options: StartOptions,
  rows: readonly PaneRow[],
): Promise<StartResult> {
  const plan = planSession(project, rows, options.windows);
  if (plan.kind === 'refused') throw refusal(plan, project);
  const building = plan.kind === 'build' ? plan.wanted : plan.windows.map((placed) => placed.window);
  const reviving = plan.kind === 'build' ? [] : plan.revive.map((own) => own.name);
  const started = project.config.windows.filter((w) => building.includes(w) || reviving.includes(w.name));
  const names = started.map((w) => w.name);
  const result = {
    created: plan.kind === 'build',
    started: names,
    revived: names.filter((name) => reviving.includes(name)),
    wanted: plan.wanted.map((w) => w.name),
    session: plan.kind === 'build' ? project.sessionName : plan.session.name,
  };
  if (started.length === 0 && plan.kind === 'running') return result;
  requireFolders(project, started);
  await options.preflight?.(started, plan.kind === 'build' ? undefined : plan.session.uid);
  stopIfAborted(options.signal);
  if (plan.kind === 'build') {
    if (building.length === 0)
      throw new DevenvError(
        'config',
        `${project.config.name} has no windows`,
        'devenv init writes a devenv.yaml',
      );
    await build(deps, makeRecipe(deps, project, randomId(8)), building, options);
  } else {
    await extend(deps, project, plan, options);
  }
  return result;
}

async function look(deps: SessionDeps): Promise<readonly PaneRow[]> {
  const rows = await listPanes(deps.tmux);
  if (rows !== undefined && rows[0]) {
    requireVersion(rows[0].version);
    return rows;
  }
  requireVersion(await clientVersion(deps.tmux));
  return rows ?? [];
}

function refusal(plan: SessionPlan & { kind: 'refused' }, project: Project): DevenvError {
  const whose = plan.root === undefined ? 'devenv did not make it' : `it belongs to ${plan.root}`;
  return new DevenvError(
    'refused',
    `there is a tmux session called ${plan.name} already, and ${whose}`,
    `give this project another name (name: ${project.sessionName}-2 in devenv.yaml), or end that session`,
  );
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new DevenvError('interrupted', 'interrupted; nothing was built');
}

/** Names every window whose command has failed; tmux looks at the marks itself whenever it draws. */
const failedWindows =
  '#{W:#{?#{&&:#{==:#{@devenv_state},exited},#{!=:#{@devenv_exit},0}},#{@devenv_window} failed  ,}}';

const defaultSize = { columns: 200, rows: 50 };

async function build(
  deps: SessionDeps,
  recipe: Recipe,
  windows: readonly WindowConfig[],
  options: StartOptions,
): Promise<void> {
  const { project, uid } = recipe;
  const name = `devenv-build-${randomId()}`;
  const here = `=${name}:`;
  const commands: readonly Command[] = [
    ...buildCommands(recipe, name, windows, options.size ?? defaultSize),
    ...Object.entries({ root: project.root, id: uid, name: project.config.name, project: project.id }).map(
      ([mark, value]) => ['set-option', '-t', here, `@devenv_${mark}`, encodeMark(value)],
    ),
    // The user's own status line stays; ours stands before it.
    [
      'set-option',
      '-F',
      '-t',
      here,
      'status-right',
      `${format(`${failedWindows}#{?@devenv_status,#{@devenv_status} ,}`)}#{status-right}`,
    ],
    ['set-option', '-t', here, 'status-right-length', '120'],
    ['rename-session', '-t', here, format(project.sessionName)],
  ];
  await carryOut(deps, name, commands, options.signal);
  if (!options.signal?.aborted) return;
  // Ctrl-C came while tmux was building; what is whole by now goes away again.
  await deps.tmux.run(['kill-session', '-t', `=${project.sessionName}:`]);
  stopIfAborted(options.signal);
}

async function extend(
  deps: SessionDeps,
  project: Project,
  plan: SessionPlan & { kind: 'running' },
  options: StartOptions,
): Promise<void> {
  const { session, windows, revive } = plan;
  const recipe = makeRecipe(deps, project, session.uid);
  if (windows.length > 0) {
    const name = `devenv-build-${randomId()}`;
    const commands = buildCommands(
      recipe,
      name,
      windows.map((placed) => placed.window),
      options.size ?? defaultSize,
    );
    await carryOut(deps, name, [...commands, ...moves(name, windows, session.rows)], options.signal);
  }
  if (revive.length > 0) await respawn(deps, recipe, revive);
}

/** Moves the windows of the passing session to their places in the running one. */
function moves(from: string, windows: readonly PlacedWindow[], rows: readonly PaneRow[]): readonly Command[] {
  const first = rows.toSorted((a, b) => a.windowIndex - b.windowIndex)[0]?.windowId ?? '';
  const move = (source: string, ...target: readonly string[]): Command => [
    'move-window',
    '-d',
    '-s',
    `=${from}:${source}`,
    ...target,
  ];
  // Each goes directly behind the same window, so the last goes first; before the first window it is the other way round.
  const behind = windows.flatMap(({ after }) =>
    after === undefined ? [] : [move('{end}', '-a', '-t', after)],
  );
  const before = windows.flatMap(({ after }) =>
    after === undefined ? [move('{start}', '-b', '-t', first)] : [],
  );
  return [...behind.toReversed(), ...before];
}

async function carryOut(
  deps: SessionDeps,
  name: string,
  commands: readonly Command[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const done = `devenv-done-${name}`;
  const result = await deps.tmux.script([sequence([...commands, ['display-message', '-p', done]])]);
  if (result.ok && result.stdout.includes(done)) return;
  await deps.tmux.run(['kill-session', '-t', `=${name}:`]);
  stopIfAborted(signal);
  throw explain(result, 'building the session');
}
