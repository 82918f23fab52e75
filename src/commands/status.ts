import {
  createColors,
  DevenvError,
  formatAge,
  formatDuration,
  formatTable,
  projectId,
} from '../base/index.ts';
import { findRoot } from '../config/index.ts';
import {
  allStatuses,
  isAttached,
  sessionStatus,
  type SessionDeps,
  type SessionStatus,
  type WindowStatus,
} from '../session/index.ts';
import { openStore, type LastRun } from '../store/index.ts';
import { createTmux } from '../tmux/index.ts';
import { decisionsOf, lookedThrough, nextLook, type DecisionFacts } from './checkpointer-facts.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { nightFacts, nightLine, type NightFacts } from './night-facts.ts';
import { halfDone } from './recovery.ts';

export interface StatusInput {
  readonly all: boolean;
  readonly watch: boolean;
}

/** What `status --json` prints; `at` and `nextAt` are ISO 8601 in UTC. */
interface StatusFacts {
  readonly project: string;
  readonly root: string;
  readonly session: string | null;
  readonly running: boolean;
  readonly attached: boolean;
  readonly windows: readonly WindowStatus[];
  readonly suites: Readonly<
    Record<string, { verdict: string; at: string; tree: string | null; durationMs: number }>
  >;
  readonly checkpoint: CheckpointFacts;
  readonly nightly: NightFacts;
}

interface CheckpointFacts {
  readonly lastGood: string | null;
  readonly lastGoodAt: string | null;
  readonly last: string | null;
  readonly nextAt: string | null;
  readonly why: string | null;
  /** With `-v`: what the timed checkpointer decided, newest first. */
  readonly decisions?: readonly DecisionFacts[];
}

/** `devenv status`: the session, its windows, the last run of each suite, the last good checkpoint and the next. */
export async function status(ctx: CommandContext, input: StatusInput): Promise<CommandResult> {
  const deps: SessionDeps = { env: ctx.env, clock: ctx.clock, tmux: ctx.begun?.tmux ?? createTmux(ctx.env) };
  const look = (): Promise<readonly StatusFacts[]> =>
    input.all ? lookAtAll(ctx, deps) : lookAtOne(ctx, deps);
  if (!input.watch) return render(ctx, await look(), input.all);
  while (!ctx.signal.aborted) {
    const { json, text } = render(ctx, await look(), input.all);
    // Home, the new picture line by line, and whatever stood below it is cleared: no flicker.
    ctx.write(
      ctx.json
        ? `${JSON.stringify(json)}\n`
        : `\u001B[H${(text ?? '').replaceAll('\n', '\u001B[K\n')}\u001B[K\n\u001B[J`,
    );
    await ctx.clock.sleep(1000, ctx.signal);
  }
  return {};
}

async function lookAtAll(ctx: CommandContext, deps: SessionDeps): Promise<readonly StatusFacts[]> {
  const found = await allStatuses(deps);
  return Promise.all(found.map((one) => running(ctx, one, checkpointTags(ctx, one.session.root))));
}

async function lookAtOne(ctx: CommandContext, deps: SessionDeps): Promise<readonly StatusFacts[]> {
  const { root } = findRoot(ctx.cwd);
  // git and tmux are asked at the same time.
  const tags = checkpointTags(ctx, root);
  // Awaited below; should tmux fail first, its error is the one to tell.
  tags.catch(() => {});
  const found = await sessionStatus(deps, root);
  return [found ? await running(ctx, found, tags) : await notRunning(ctx, tags)];
}

async function running(ctx: CommandContext, found: SessionStatus, tags: Promise<Tags>): Promise<StatusFacts> {
  const { session, windows } = found;
  const { name: project = session.name, project: id = projectId(session.root) } =
    session.rows[0]?.marks ?? {};
  const base = {
    project,
    root: session.root,
    session: session.name,
    running: true,
    attached: isAttached(session),
    windows,
  };
  return { ...base, ...(await history(ctx, id, tags)) };
}

async function notRunning(ctx: CommandContext, tags: Promise<Tags>): Promise<StatusFacts> {
  const { loadProject } = await import('../config/index.ts');
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const windows = project.config.windows.map(({ name, kind, port }) => ({
    name,
    id: null,
    kind,
    state: 'stopped' as const,
    health: 'unknown' as const,
    port: typeof port === 'number' ? port : null,
    restarts: 0,
    panes: [],
    detail: '',
  }));
  const base = {
    project: project.config.name,
    root: project.root,
    session: null,
    running: false,
    attached: false,
    windows,
  };
  return { ...base, ...(await history(ctx, project.id, tags)) };
}

/** What the database and git know of a project. */
async function history(
  ctx: CommandContext,
  id: string,
  tags: Promise<Tags>,
): Promise<Pick<StatusFacts, 'suites' | 'checkpoint' | 'nightly'>> {
  const store = openStore(ctx.env, ctx.clock);
  try {
    const runs = Object.entries(store.lastRuns(id)).map(([name, run]) => [name, runFacts(run)] as const);
    const next = nextLook(store.getValue(id, 'checkpointer'));
    const nightly = await nightFacts(ctx, store, id);
    const { problem, half, ...found } = await tags;
    return {
      nightly,
      suites: Object.fromEntries(runs),
      checkpoint: {
        ...found,
        nextAt: next.nextAt,
        why: half ?? problem ?? next.why,
        ...(ctx.verbose ? { decisions: decisionsOf(store.recentEvents(id, lookedThrough)) } : {}),
      },
    };
  } finally {
    store.close();
  }
}

const runFacts = ({ verdict, at, tree, durationMs }: LastRun): StatusFacts['suites'][string] => ({
  verdict,
  at: new Date(at).toISOString(),
  tree,
  durationMs,
});

type Tags = Pick<CheckpointFacts, 'lastGood' | 'lastGoodAt' | 'last'> & {
  readonly problem?: string;
  /** What was killed half way. */
  readonly half?: string | undefined;
};

async function checkpointTags(ctx: CommandContext, root: string): Promise<Tags> {
  try {
    const [{ openRepo }, { lastAndGood }] = await Promise.all([
      import('../git/index.ts'),
      import('../checkpoint/index.ts'),
    ]);
    const repo = await openRepo({ cwd: root, env: ctx.env });
    const { good, last } = await lastAndGood(repo, root);
    const half = await halfDone(repo);
    return { lastGood: good?.tag ?? null, lastGoodAt: good?.at ?? null, last: last ?? null, half };
  } catch (error) {
    // Sessions work without git; then status says why there are no checkpoints.
    if (!(error instanceof DevenvError)) throw error;
    return { lastGood: null, lastGoodAt: null, last: null, problem: error.message };
  }
}

function render(ctx: CommandContext, all: readonly StatusFacts[], many: boolean): CommandResult {
  if (many) {
    const text = all.map((one) => describe(ctx, one)).join('\n\n');
    return { json: { sessions: all }, text: text || 'no session of devenv is running' };
  }
  const [one] = all;
  return one ? { json: one, text: describe(ctx, one) } : {};
}

function describe(ctx: CommandContext, facts: StatusFacts): string {
  const { bold, dim } = ctx.colors;
  const head = facts.running
    ? `${bold(facts.project)} ${dim(`session ${facts.session}, ${facts.attached ? 'attached' : 'not attached'}`)}`
    : `${bold(facts.project)} ${dim('not running; devenv start builds the session')}`;
  const rows = facts.windows.map((w) => windowRow(ctx, w));
  const header = ['window', 'state', 'health', 'port', 'restarts', ''].map((cell) => dim(cell));
  return [head, '', formatTable([header, ...rows]), ...historyLines(ctx, facts)].join('\n');
}

function windowRow(ctx: CommandContext, w: WindowStatus): readonly string[] {
  const colors = ctx.colors ?? createColors(false);
  const paint = {
    ready: colors.green,
    running: colors.green,
    starting: colors.yellow,
    exited: colors.yellow,
    failed: colors.red,
    stopped: colors.dim,
  }[w.state];
  const health =
    w.health === 'unhealthy'
      ? colors.red(w.health)
      : w.health === 'healthy'
        ? colors.green(w.health)
        : colors.dim('-');
  const port = w.port === null ? colors.dim('-') : String(w.port);
  const restarts = w.restarts === 0 ? colors.dim('0') : colors.yellow(String(w.restarts));
  return [
    w.name,
    paint(w.detail === 'idle' ? 'idle' : w.state),
    health,
    port,
    restarts,
    (w.state === 'ready' && w.detail !== 'stopping') || w.detail === 'idle' ? '' : colors.dim(w.detail),
  ];
}

function historyLines(ctx: CommandContext, { suites, checkpoint, nightly }: StatusFacts): readonly string[] {
  const { green, red, yellow, dim } = ctx.colors;
  const now = ctx.clock.now();
  const ago = (iso: string): string => formatAge(Math.max(0, now - Date.parse(iso)));
  const paint = (verdict: string): string =>
    (verdict === 'passed' ? green : verdict === 'failed' ? red : yellow)(verdict);
  const runs = Object.entries(suites).map(([name, run]) => [
    name,
    paint(run.verdict),
    dim(
      `${ago(run.at)}, took ${formatDuration(run.durationMs)}${run.tree === null ? '' : `, tree ${run.tree.slice(0, 7)}`}`,
    ),
  ]);
  const good =
    checkpoint.lastGood === null
      ? dim('none')
      : `${green(checkpoint.lastGood)} ${dim(ago(checkpoint.lastGoodAt ?? ''))}`;
  const left = checkpoint.nextAt === null ? undefined : Date.parse(checkpoint.nextAt) - now;
  const next =
    left === undefined ? '' : left > 0 ? `, next look in ${formatDuration(left)}` : ', next look now';
  return [
    ...(runs.length > 0
      ? ['', formatTable([['suite', 'verdict', ''].map((cell) => dim(cell)), ...runs])]
      : []),
    '',
    `last good checkpoint: ${good}${dim(next)}${checkpoint.why === null ? '' : dim(`; ${checkpoint.why}`)}`,
    ...[nightLine(ctx, nightly)].filter((line) => line !== undefined),
    ...(checkpoint.decisions ?? []).map(({ at, text }) => dim(`  ${ago(at)}: ${text}`)),
  ];
}
