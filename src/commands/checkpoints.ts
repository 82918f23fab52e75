import {
  DevenvError,
  formatAge,
  formatTable,
  plural,
  showName,
  terminalSize,
  type Colors,
} from '../base/index.ts';
import {
  describeBroken,
  isOfProject,
  listCheckpoints,
  pinnedNames,
  type Checkpoint,
  type CheckpointFilter,
} from '../checkpoint/index.ts';
import { findRoot } from '../config/index.ts';
import { checkPathspecs, openRepo, type Repo } from '../git/index.ts';
import { leftOut } from './left-out.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface CheckpointsInput {
  /** Those that were brought from this host. */
  readonly from?: string | undefined;
  readonly good?: boolean;
  /** As a person writes a moment: `2h`, `2026-01-31`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly touching?: readonly string[];
  readonly limit?: string | undefined;
  /** Writes them as commits of this branch instead of listing them. */
  readonly exportTo?: string | undefined;
}

/** `devenv checkpoints`: the list, newest first. */
export async function checkpoints(ctx: CommandContext, input: CheckpointsInput): Promise<CommandResult> {
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const found = await findCheckpoints(ctx, repo, input);
  if (input.exportTo !== undefined) return exportTo(ctx, repo, input.exportTo, found);
  const pinned = await pinnedNames(repo);
  const isPinned = ({ tag }: Checkpoint): boolean => pinned.has(tag);
  if (ctx.json) return { json: { checkpoints: found.map((one) => ({ ...one, pinned: isPinned(one) })) } };
  if (found.length === 0) return { text: await noneText(repo, input) };
  const text = table(ctx, found, { isPinned, isOurs: isOurs(ctx, repo) });
  if (ctx.interactive && found.length + 1 >= (terminalSize()?.rows ?? Infinity)) return page(ctx, text);
  return { text };
}

/** Tells the checkpoints that the project around this folder judged; outside of any, nobody else's are marked. */
function isOurs(ctx: CommandContext, repo: Repo): (checkpoint: Checkpoint) => boolean {
  const { root, configFile } = findRoot(ctx.cwd);
  return isOfProject(repo, configFile === undefined ? undefined : root);
}

async function exportTo(
  ctx: CommandContext,
  repo: Repo,
  branch: string,
  found: readonly Checkpoint[],
): Promise<CommandResult> {
  const { exportBranch } = await import('../checkpoint/index.ts');
  const done = await exportBranch(repo, ctx.env, { branch, checkpoints: found });
  const { added, created, commit } = done;
  const note = leftOut(done.left);
  if (note !== undefined) ctx.note(note);
  const name = ctx.colors.bold(branch);
  if (commit === null) return { json: done, text: `no checkpoint to export: there is no branch ${branch}` };
  const count = plural(added.length, 'checkpoint');
  const text =
    added.length === 0
      ? `${name} is up to date`
      : created
        ? `${name} is a new branch with ${count}; git log -p ${branch} shows it`
        : `added ${count} to ${name}`;
  return { json: done, text };
}

/** The checkpoints that the options ask for, newest first. */
export async function findCheckpoints(
  ctx: CommandContext,
  repo: Repo,
  input: CheckpointsInput,
): Promise<readonly Checkpoint[]> {
  const { good = false, touching = [] } = input;
  const limit = readLimit(input.limit);
  const onBroken = (names: readonly string[]): void => ctx.note(`warning: ${describeBroken(names)}`);
  const from = input.from === undefined ? { onBroken } : { from: input.from };
  if (!good && touching.length === 0 && input.since === undefined && input.until === undefined)
    return listCheckpoints(repo, { ...from, ...(limit === undefined ? {} : { limit }) });
  checkPathspecs(repo, ctx.cwd, touching);
  const { filterCheckpoints, readMoment } = await import('../checkpoint/index.ts');
  const moment = (name: 'since' | 'until'): number | undefined => {
    const given = input[name];
    const edge = name === 'since' ? 'start' : 'end';
    return given === undefined ? undefined : readMoment(`--${name}`, given, ctx.clock.now(), edge);
  };
  const filter: CheckpointFilter = {
    good,
    since: moment('since'),
    until: moment('until'),
    touching,
    dir: ctx.cwd,
    limit,
  };
  return filterCheckpoints(repo, await listCheckpoints(repo, from), filter, isOurs(ctx, repo));
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new DevenvError('usage', `-n: not a number of checkpoints: ${text}`, 'for example -n 20');
}

async function noneText(repo: Repo, input: CheckpointsInput): Promise<string> {
  const [some] = await listCheckpoints(repo, { limit: 1 });
  if (!some) return 'no checkpoint yet: `devenv checkpoint` makes one';
  const only = input.good === true && Object.values(input).filter(isGiven).length === 1;
  return only
    ? 'no good checkpoint yet: `devenv checkpoint` makes one when the gates pass'
    : 'no checkpoint is like that; `devenv checkpoints` lists all';
}

const isGiven = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;

async function page(ctx: CommandContext, text: string): Promise<CommandResult> {
  const { showInPager } = await import('../git/index.ts');
  return (await showInPager(ctx.env, ctx.cwd, `${text}\n`)) ? {} : { text };
}

function table(
  ctx: CommandContext,
  all: readonly Checkpoint[],
  { isPinned, isOurs: isOwn }: Readonly<Record<'isPinned' | 'isOurs', (one: Checkpoint) => boolean>>,
): string {
  const { colors } = ctx;
  const head = ['TAG', 'AGE', 'VERDICT', 'FILES', 'BRANCH', 'MESSAGE'].map((title) => colors.dim(title));
  const now = ctx.clock.now();
  const rows = all.map((checkpoint) => [
    checkpoint.tag,
    formatAge(now - Date.parse(checkpoint.at)),
    verdictCell(colors, checkpoint, isOwn(checkpoint)),
    String(checkpoint.filesChanged),
    checkpoint.branch === null ? '(detached)' : showName(checkpoint.branch),
    messageCell(checkpoint, isPinned(checkpoint)),
  ]);
  return formatTable([head, ...rows]);
}

function messageCell({ message, partial }: Checkpoint, pinned: boolean): string {
  const text = plainText(message.split('\n', 1)[0] ?? '');
  // Nearly all are neither, and there can be thousands.
  if (!partial && !pinned) return text;
  return [text, partial ? '(partial)' : '', pinned ? '(pinned)' : ''].filter(Boolean).join(' ');
}

// It may have been written on another machine: nothing in it reaches the terminal as more than text.
function plainText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, '?');
}

// Green for the suites of another project says nothing of this one.
function verdictCell(colors: Colors, { verdict, project }: Checkpoint, isOwn: boolean): string {
  if (isOwn || verdict === 'unverified') return paint(colors, verdict);
  return colors.dim(`${verdict} (${showName(project ?? '')})`);
}

function paint(colors: Colors, verdict: Checkpoint['verdict']): string {
  if (verdict === 'passed') return colors.green(verdict);
  return verdict === 'failed' ? colors.red(verdict) : colors.dim(verdict);
}
