import { DevenvError, showName } from '../base/index.ts';
import { readSaved, resolveCheckpoint, snapshot, type Checkpoint } from '../checkpoint/index.ts';
import { loadProject } from '../config/index.ts';
import {
  checkPathspecs,
  countLines,
  diffOnTerminal,
  displayPath,
  openRepo,
  readRef,
  showDiff,
  type Repo,
} from '../git/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface DiffCommandInput {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly stat?: boolean;
  readonly patch?: boolean;
  readonly nameOnly?: boolean;
  /** Opens the user's difftool. */
  readonly tool?: boolean;
  /** Only these, as git takes paths; all for none. */
  readonly paths?: readonly string[];
}

type Side = Pick<Checkpoint, 'commit' | 'tree' | 'skipped'>;

/** What is compared: two commits, and how they are called. */
interface Sides {
  readonly from: Side & { readonly name: string };
  readonly to: Side & { readonly name: string | null };
}

/** `devenv diff [TAG] [TAG]`: between two checkpoints, or one and now. Without a tag: since the newest one. */
export async function diff(ctx: CommandContext, input: DiffCommandInput): Promise<CommandResult> {
  const shows = wantedForm(input);
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  checkPathspecs(repo, ctx.cwd, input.paths ?? []);
  const sides = await readSides(ctx, repo, input);
  const what = { from: sides.from.commit, to: sides.to.commit, paths: input.paths ?? [], dir: ctx.cwd };
  if (ctx.json) return { json: await facts(repo, sides, what) };
  tellMissing(ctx, sides);
  const same = `no difference between ${sides.from.name} and ${sides.to.name ?? 'now'}`;
  if (sides.from.tree === sides.to.tree) return { text: same };
  const color = ctx.colors.bold('') !== '';
  if (input.tool === true || ctx.interactive) {
    const tool = input.tool ?? false;
    const code = await diffOnTerminal(repo, ctx.env, { ...what, shows, color, tool });
    // 141: the pager was left before the end.
    return { exit: code === 0 || code === 141 ? 0 : 1 };
  }
  const text = (await showDiff(repo, { ...what, shows, color })).replace(/\n+$/, '');
  // git quotes odd names itself, but not for a space at their end.
  return { text: (shows === 'names' ? text.split('\n').map(showName).join('\n') : text) || same };
}

function wantedForm({ stat, patch, nameOnly, tool }: DiffCommandInput): 'patch' | 'stat' | 'names' {
  if ([stat, patch, nameOnly, tool].filter((given) => given === true).length > 1)
    throw new DevenvError(
      'usage',
      'one of --stat, --patch, --name-only and --tool at a time',
      'devenv diff --help',
    );
  return stat === true ? 'stat' : nameOnly === true ? 'names' : 'patch';
}

// `git diff TAG` would compare with tracked files alone; a snapshot of now holds the new ones too.
async function readSides(ctx: CommandContext, repo: Repo, input: DiffCommandInput): Promise<Sides> {
  const from = await readSide(repo, input.from ?? 'last');
  if (input.to !== undefined) return { from, to: await readSide(repo, input.to) };
  const maxFileBytes = await fileLimit(ctx);
  const now = await snapshot(repo, {
    now: ctx.clock.now(),
    purpose: 'look',
    ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
  });
  return { from, to: { ...now, name: null } };
}

// A checkpoint, or the state before a rollback or undo, as `undo/3` or by its whole ref.
async function readSide(repo: Repo, name: string): Promise<Side & { readonly name: string }> {
  const undo = /^(?:refs\/devenv\/)?(undo\/\d+)$/.exec(name)?.[1];
  const commit = undo === undefined ? undefined : await readRef(repo, `refs/devenv/${undo}`);
  if (undo !== undefined && commit !== undefined) return { ...(await readSaved(repo, commit)), name: undo };
  const found = await resolveCheckpoint(repo, name);
  return { ...found, name: found.tag };
}

// Checkpoints were taken with the configured limit: with another one, large files would seem to differ.
async function fileLimit(ctx: CommandContext): Promise<number | undefined> {
  try {
    return (await loadProject({ cwd: ctx.cwd, env: ctx.env })).config.checkpoint.maxFileBytes;
  } catch (error) {
    if (!(error instanceof DevenvError)) throw error;
    return undefined; // a broken configuration is told by the commands that need it
  }
}

function tellMissing(ctx: CommandContext, { from, to }: Sides): void {
  const missing = new Map([...from.skipped, ...to.skipped].map((skip) => [skip.path, skip.reason]));
  for (const [path, reason] of [...missing].slice(0, 10))
    ctx.note(`not compared: ${showName(path)} (${reason})`);
  if (missing.size > 10) ctx.note(`not compared: ${missing.size - 10} more`);
}

async function facts(
  repo: Repo,
  { from, to }: Sides,
  what: {
    readonly from: string;
    readonly to: string;
    readonly paths: readonly string[];
    readonly dir: string;
  },
): Promise<unknown> {
  const files = [...(await countLines(repo, what))].map(([path, { change, added, removed }]) => ({
    path: displayPath(path),
    change,
    added,
    removed,
  }));
  const sum = (key: 'added' | 'removed'): number => files.reduce((all, file) => all + (file[key] ?? 0), 0);
  return {
    from: from.name,
    to: to.name,
    files,
    added: sum('added'),
    removed: sum('removed'),
    skipped: to.skipped,
  };
}
