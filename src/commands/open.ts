import { DevenvError, formatTable, nameHint } from '../base/index.ts';
import { isPulled, resolveCheckpoint } from '../checkpoint/index.ts';
import { findRoot, loadProject, type OpenedMarker, type Project } from '../config/index.ts';
import { openRepo } from '../git/index.ts';
import {
  closeOpened,
  fixedPorts,
  homeOf,
  isGone,
  listOpened,
  openCheckpoint,
  openedName,
} from '../open/index.ts';
import {
  endOrphans,
  findSession,
  isAttached,
  stopSession,
  windowsOf,
  withLock,
  type SessionDeps,
} from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';
import { start } from './start.ts';
import { unlessInterrupted } from './unless-interrupted.ts';

export interface OpenInput {
  readonly tag: string | undefined;
  readonly list: boolean;
  readonly close: boolean;
  readonly yes: boolean;
  readonly detach: boolean;
  readonly wait: boolean;
}

/** `devenv open TAG`: that checkpoint in its own work tree and session, beside the live one. */
export async function open(ctx: CommandContext, input: OpenInput): Promise<CommandResult> {
  const home = homeOf(findRoot(ctx.cwd).root, ctx.env);
  if (input.list) return list(ctx, home);
  if (input.tag === undefined)
    throw new DevenvError(
      'usage',
      'which checkpoint?',
      input.close
        ? 'devenv open --list names those that are open'
        : 'devenv open TAG; devenv checkpoints lists them',
    );
  const project = await evenIfMistaken(ctx, home);
  if (input.close) return close(ctx, project, input.tag, input.yes);
  const opened = await openCheckpoint(ctx.env, project, { name: input.tag, signal: ctx.signal });
  ctx.note(`${opened.tag} is ${opened.created ? 'checked out' : 'open'} in ${opened.root}`);
  const there = await loadProject({ cwd: opened.root, env: ctx.env });
  for (const { window, port } of fixedPorts(project.config.windows, there.config.windows))
    ctx.note(
      `${window}: its command names port ${port}, which is the live one's; \${port.NAME} would find its own`,
    );
  const result = await start(
    { ...ctx, cwd: opened.root },
    { windows: [], detach: input.detach, wait: input.wait, layout: undefined, timeout: undefined },
  );
  const facts = typeof result.json === 'object' ? result.json : {};
  const { tag, root } = opened;
  // `created` is the session's; the work tree has a word of its own.
  return { ...result, json: { tag, path: root, opened: opened.created, ...facts } };
}

const deps = (ctx: CommandContext): SessionDeps => ({
  env: ctx.env,
  clock: ctx.clock,
  tmux: createTmux(ctx.env),
});

async function list(ctx: CommandContext, home: string): Promise<CommandResult> {
  const opened = await Promise.all(
    listOpened(home, ctx.env).map(async (marker) => {
      const { tag, root, commit } = marker;
      const session = await findSession(deps(ctx), root);
      const ports = (session ? windowsOf(session) : []).flatMap(({ name, panes }) => {
        const port = panes[0]?.marks.port;
        return port === undefined ? [] : [[name, Number(port)] as const];
      });
      const attached = session !== undefined && isAttached(session);
      return {
        tag,
        commit,
        path: root,
        session: session?.name ?? null,
        running: session !== undefined,
        attached,
        gone: isGone(marker),
        ports: Object.fromEntries(ports),
      };
    }),
  );
  const rows = opened.map(({ tag, session, ports, path, gone }) => [
    tag,
    session ?? '(not running)',
    Object.entries(ports)
      .map(([name, port]) => `${name}:${port}`)
      .join(' '),
    gone ? `${path} (gone; devenv open --close ${tag} forgets it)` : path,
  ]);
  const head = ['TAG', 'SESSION', 'PORTS', 'PATH'].map((title) => ctx.colors.dim(title));
  const text = rows.length === 0 ? 'no checkpoint is open' : formatTable([head, ...rows]);
  return { json: { opened }, text };
}

async function close(
  ctx: CommandContext,
  project: Project,
  name: string,
  yes: boolean,
): Promise<CommandResult> {
  const { tags, maxFileBytes } = project.config.checkpoint;
  const tag = await tagOf(ctx, project, name);
  const opened = pickOpened(listOpened(project.root, ctx.env), { name, tag });
  // Ending the session would end this very process half way.
  if (ctx.env['DEVENV_ROOT'] === opened.root)
    throw new DevenvError(
      'refused',
      `this shell runs in ${opened.tag}'s session`,
      'close it from another terminal',
    );
  const { env, clock, signal, note } = ctx;
  // Until the folder is gone: a start that waits would find it stopped, and bring it back to life.
  const closed = await withLock(deps(ctx), { as: 'stop', root: opened.root, signal, note }, () =>
    closeOpened({ env, clock, stop: (root) => endSession(ctx, root) }, { opened, tags, maxFileBytes, yes }),
  );
  const kept =
    closed.kept === null
      ? 'nothing had been changed in it'
      : `what was changed in it is kept as ${ctx.colors.bold(closed.kept)}`;
  return { json: closed, text: `closed ${closed.tag}; ${kept}` };
}

async function endSession(ctx: CommandContext, root: string): Promise<void> {
  const session = await findSession(deps(ctx), root);
  const end = async (): Promise<unknown> =>
    session ? stopSession(deps(ctx), session) : endOrphans(deps(ctx), root);
  await unlessInterrupted(ctx.signal, end, {
    message: `interrupted: what was told to end may still end; ${root} stays`,
    hint: 'devenv open --list names it; devenv open --close goes on',
  });
}

// Counted from the newest (`last`, `-2`), or of a box: the same checkpoint that `devenv open` takes by that name.
async function tagOf(ctx: CommandContext, project: Project, name: string): Promise<string> {
  if (!/^(last|-\d+)$/.test(name) && !isPulled(name)) return name;
  const repo = await openRepo({ cwd: project.root, env: ctx.env });
  return openedName((await resolveCheckpoint(repo, name)).tag);
}

function pickOpened(
  all: readonly OpenedMarker[],
  { name: asked, tag: name }: { readonly name: string; readonly tag: string },
): OpenedMarker {
  const found = all.filter(({ tag }) => tag === name || tag.replace('checkpoint-', '') === name);
  const begins = all.filter(({ tag }) => tag.startsWith(name) || tag.startsWith(`checkpoint-${name}`));
  const [one] = found.length > 0 ? found : begins.length === 1 ? begins : [];
  if (one) return one;
  const tags = all.map(({ tag }) => tag);
  throw new DevenvError(
    'unknown-tag',
    `${asked === name ? name : `${asked} (${name})`} is not open`,
    nameHint(name, tags, 'no checkpoint is open'),
  );
}
