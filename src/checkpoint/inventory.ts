import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf } from '../base/index.ts';
import { git, gitError, settleImports } from '../git/index.ts';
import type { Repo } from '../git/index.ts';
import { parseRow, rowEnd, rowFormat } from './row.ts';
import type { Draft } from './row.ts';
import { parseMessage } from './message.ts';
import { linkedId } from './origin.ts';
import { checkpointRefs, pinRefs, tagRefs, trashRefs, undoRefs } from './names.ts';
import type { RetainedUndo } from './retention-undo.ts';

/** Something that was dropped, while it can still be had back. */
export interface Trashed {
  readonly ref: string;
  /** The tag, or `undo/3`. */
  readonly name: string;
  /** The ref it had. */
  readonly live: string;
  readonly commit: string;
  /** When it was dropped, milliseconds since 1970. */
  readonly at: number;
  /** undefined where its commit is not one of ours. */
  readonly checkpoint: Draft | undefined;
}

/** An undo entry, with what was put back: its name, and its commit where that is known. */
export interface StoredUndo extends RetainedUndo {
  readonly targets: readonly string[];
}

/** All that devenv keeps in a repository. */
export interface Inventory {
  readonly checkpoints: readonly Draft[];
  /** Commits by name, as the two below. */
  readonly tags: ReadonlyMap<string, string>;
  readonly pins: ReadonlyMap<string, string>;
  readonly undo: readonly StoredUndo[];
  readonly trash: readonly Trashed[];
  /** Refs of devenv's that are none of these, by the commit they point at. */
  readonly others: ReadonlyMap<string, string>;
}

/** Reads everything devenv keeps, in one process. */
export async function readInventory(repo: Repo): Promise<Inventory> {
  await settleImports(repo);
  const args = ['for-each-ref', `--format=${rowFormat}`, 'refs/devenv', `${tagRefs}checkpoint-*`];
  const result = await git(repo, args);
  if (!result.ok && /missing object|bad object|corrupt/.test(result.stderr))
    throw new DevenvError(
      'environment',
      'a ref of devenv leads nowhere, so nothing is dropped',
      'devenv doctor --fix puts it aside',
    );
  if (!result.ok) throw gitError('reading what is kept', result.stderr);
  return sort(result.stdout.toString('utf8').split(rowEnd).filter(Boolean));
}

function sort(rows: readonly string[]): Inventory {
  const checkpoints: Draft[] = [];
  const tags = new Map<string, string>();
  const pins = new Map<string, string>();
  const undo: StoredUndo[] = [];
  const trash: Trashed[] = [];
  const others = new Map<string, string>();
  for (const row of rows) {
    const [ref = '', commit = ''] = row.split('\0', 2);
    if (ref.startsWith(tagRefs)) tags.set(ref.slice(tagRefs.length), commit);
    // One that somebody made by hand is not ours to drop.
    else if (ref.startsWith(checkpointRefs)) checkpoints.push(...(isOurs(row) ? parseRow(row) : []));
    else if (ref.startsWith(pinRefs)) pins.set(ref.slice(pinRefs.length), commit);
    else if (ref.startsWith(undoRefs)) undo.push(...parseUndo(row));
    else if (ref.startsWith(trashRefs)) trash.push(...parseTrashed(row));
    else others.set(commit, ref);
  }
  return { checkpoints, tags, pins, undo, trash, others };
}

const isOurs = (row: string): boolean => row.includes('\nDevenv-Tree: ');

function parseUndo(row: string): StoredUndo[] {
  const [ref = '', commit = '', , seconds = '', contents = ''] = row.split('\0');
  const n = Number(ref.slice(undoRefs.length));
  const { fields } = parseMessage(contents);
  // Not one of ours: left alone.
  if (!Number.isInteger(n) || !fields.has('Kind')) return [];
  const undoes = fields.get('Undoes');
  return [
    {
      n,
      ref,
      commit,
      at: Number(seconds) * 1000,
      worktree: fields.get('Worktree') ?? 'main',
      kind: fields.get('Kind') ?? '',
      undoes: undoes === undefined ? undefined : Number(undoes),
      targets: [fields.get('Target'), fields.get('To')].filter((name) => name !== undefined),
    },
  ];
}

function parseTrashed(row: string): Trashed[] {
  const [ref = '', commit = ''] = row.split('\0', 2);
  const [, seconds, rest] = /^(\d+)\/((?:checkpoints|undo)\/.+)$/.exec(ref.slice(trashRefs.length)) ?? [];
  if (seconds === undefined || rest === undefined) return [];
  const name = rest.replace(/^checkpoints\//, '');
  const live = `refs/devenv/${rest}`;
  return [{ ref, name, live, commit, at: Number(seconds) * 1000, checkpoint: parseRow(row)[0] }];
}

/** Names of the work trees there are, as checkpoints name them. */
export function worktreeNames(repo: Repo): ReadonlySet<string> {
  const base = path.join(repo.commonDir, 'worktrees');
  return new Set(['main', ...(existsSync(base) ? readdirSync(base).map(linkedId) : [])]);
}

/**
 * What else needs a checkpoint, and why, by commit or by name: pins, work trees that have it checked out, refs of
 * devenv's for something under way, and what a journal (of a rollback, a search, ...) of any work tree names.
 */
export async function readNeeds(repo: Repo, stored: Inventory): Promise<Map<string, string[]>> {
  const why = new Map<string, string[]>();
  const need = (key: string, reason: string): void => void why.set(key, [...(why.get(key) ?? []), reason]);
  for (const name of stored.pins.keys())
    need(name.startsWith('undo/') ? `refs/devenv/${name}` : name, 'pinned');
  for (const [commit, ref] of stored.others) need(commit, `in use by ${ref}`);
  const listed = await git(repo, ['worktree', 'list', '--porcelain']);
  if (!listed.ok) throw gitError('reading the work trees', listed.stderr);
  for (const [, dir, commit] of listed.stdout
    .toString('utf8')
    .matchAll(/^worktree (.*)\nHEAD ([0-9a-f]+)$/gm))
    need(commit ?? '', `checked out in ${dir}`);
  for (const file of journals(repo)) {
    const reason = path.basename(file) === 'journal.json' ? 'a rollback is under way' : `${file} names it`;
    const names = /\b(?:[0-9a-f]{64}|[0-9a-f]{40}|checkpoint-\d{8}-\d{6}(?:-\d+)?)\b/g;
    for (const name of new Set(readOr(file).match(names))) need(name, reason);
  }
  return why;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''; // done meanwhile
    throw error;
  }
}

/** What is under way in any work tree is written down in devenv's folder of its git directory. */
function journals(repo: Repo): string[] {
  const linked = path.join(repo.commonDir, 'worktrees');
  const dirs = existsSync(linked) ? readdirSync(linked).map((name) => path.join(linked, name)) : [];
  return [repo.commonDir, ...dirs]
    .map((dir) => path.join(dir, 'devenv'))
    .filter((dir) => existsSync(dir))
    .flatMap((dir) => readdirSync(dir).map((name) => path.join(dir, name)))
    .filter((file) => file.endsWith('.json'));
}
