import { parseMessage, scanMessage } from './message.ts';
import { checkpointRefs } from './names.ts';
import { pulledName } from './pulled.ts';
import type { Checkpoint, CheckpointVerdict } from './types.ts';

/** What `for-each-ref` is asked of each ref, and what ends each row; `parseRow` reads it. */
export const rowFormat = '%(refname)%00%(objectname)%00%(tree)%00%(committerdate:unix)%00%(contents)%00%01';
export const rowEnd = '\0\u0001\n';
/** A checkpoint's name, also in the trash; of undo entries only there and where they were brought back from (`undo/3`). */
const named = /^refs\/devenv\/(?:checkpoints\/(.+)|trash\/\d+\/(?:checkpoints\/)?(.+)|pins\/(undo\/\d+))$/;
const verdicts: readonly CheckpointVerdict[] = ['passed', 'failed', 'flaky', 'broken', 'stale', 'unverified'];

/** The last one that a Date can say; a commit made by hand may be of a later year. */
const lastMoment = 8.64e15;

/** A checkpoint of which it may not be known how many files changed. */
export interface Draft extends Omit<Checkpoint, 'filesChanged'> {
  readonly filesChanged: number | undefined;
}

/** One row of `rowFormat`; empty when it is not a checkpoint of ours. */
export function parseRow(row: string): Draft[] {
  const [ref = '', commit = '', tree = '', seconds = '', contents = ''] = row.split('\0');
  // Nearly all are plain checkpoints, and there can be thousands.
  const plain = ref.startsWith(checkpointRefs) ? ref.slice(checkpointRefs.length) : undefined;
  const tag = plain ?? named.exec(ref)?.slice(1).find(Boolean) ?? pulledName(ref);
  // No tree: not a commit, so not ours.
  if (tag === undefined || tree === '') return [];
  return [draftOf({ tag, commit, tree, seconds, contents })];
}

/** The same for the bytes of a commit, as git keeps it. */
export function parseCommit(tag: string, commit: string, bytes: Buffer): Draft {
  const text = bytes.toString('utf8');
  const end = text.indexOf('\n\n');
  const [, tree = ''] = /^tree ([0-9a-f]+)$/m.exec(text) ?? [];
  const [, seconds = ''] = /^committer .*> (\d+) [-+]\d+$/m.exec(text) ?? [];
  return draftOf({ tag, commit, tree, seconds, contents: text.slice(end + 2) });
}

interface Raw {
  readonly tag: string;
  readonly commit: string;
  readonly tree: string;
  /** Since 1970. */
  readonly seconds: string;
  /** The message. */
  readonly contents: string;
}

function draftOf({ tag, commit, tree, seconds, contents }: Raw): Draft {
  const { words, field } = scanMessage(contents);
  const lacking = contents.includes('\nDevenv-Skipped') || contents.includes('\nDevenv-Partial');
  const { skipped, partial } = lacking ? parseMessage(contents) : { skipped: [], partial: false };
  const [head, files, verdict] = [field('Head'), field('Files'), field('Verdict')];
  return {
    tag,
    commit,
    tree,
    verdict: verdicts.find((known) => known === verdict) ?? 'unverified',
    at: new Date(Math.min(Number(seconds) * 1000, lastMoment)).toISOString(),
    branch: field('Branch') ?? null,
    head: head === undefined || head === 'none' ? null : head,
    // That of a work tree only says that it is one.
    message: words === tag || tag.endsWith('/present') ? '' : words,
    filesChanged: files === undefined ? undefined : Number(files),
    reason: field('Reason') ?? '',
    suites: field('Suites')?.split(', ') ?? [],
    session: field('Session') ?? null,
    worktree: field('Worktree') ?? 'main',
    worktreeMark: field('Worktree-Mark') ?? null,
    project: field('Project') ?? null,
    partial,
    skipped,
  };
}
