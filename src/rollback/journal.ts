import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf, isAlive, randomId, self } from '../base/index.ts';
import type { StepKind } from '../checkpoint/index.ts';
import { ownDir } from '../git/index.ts';
import type { IndexUpdate, Moment, RawPath, Repo } from '../git/index.ts';
import type { Held } from './plan.ts';

/** A step with the very bytes it leads to. */
export interface JournalStep {
  readonly path: RawPath;
  readonly before: Held | null;
  readonly after: Held | null;
  /** The id of the bytes on the disk when the step is done; its file in the stage is `<n>`. */
  readonly staged: string;
  /** The blob in git, to stage it again; null when filters made the bytes. */
  readonly blob: string | null;
}

/** Branches and HEAD that move with the files. */
export interface HeadMove {
  /** Branches; null: it does not exist then. */
  readonly refs: readonly {
    readonly ref: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
  /** What HEAD names, before and after: `refs/heads/...`, or a commit when detached. */
  readonly from: string;
  readonly to: string;
  /** The commit that HEAD is at afterwards; null before the first one. */
  readonly commit: string | null;
}

/** All that is needed to finish a rollback that was killed. On the disk before the first file changes. */
export interface Journal {
  readonly version: 1;
  readonly root: string;
  /** Absent in a journal of an older devenv. */
  readonly kind?: StepKind;
  readonly pid: number;
  /** When the process started, so that a reused id is not taken for it. */
  readonly started: string;
  /** Which run of the machine it is: after a power cut it is another one. '' where that cannot be told. */
  readonly boot?: string;
  /** Where the present is kept. */
  readonly undo: string;
  readonly present: string;
  /** The commit that is put back, and what people call it. */
  readonly target: string;
  readonly name: string;
  readonly stage: string;
  readonly steps: readonly JournalStep[];
  readonly index: readonly IndexUpdate[];
  readonly head: HeadMove | null;
}

/** What a journal leaves and what it puts back. */
export const momentOf = ({ present, target, steps }: Journal): Moment => ({
  from: present,
  to: target,
  files: steps.map((step) => step.path),
});

const journalName = 'journal.json';

/** When a process started, in ticks since boot; '' where that cannot be told. */
export function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return ''; // gone, or no /proc here
  }
}

/** What tells one run of the machine from the next; '' where that cannot be told. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return ''; // no /proc here
  }
}

/** Where the journal of a work tree lies; existing means: a rollback is under way, or was killed. */
export function journalFile(repo: Repo): string {
  return path.join(repo.gitDir, 'devenv', journalName);
}

/** The stages of this very process's rollbacks. */
const working = new Set<string>();

/** Puts the journal in place, whole or not at all; an error when there is one already. */
export function writeJournal(repo: Repo, journal: Journal): void {
  const temporary = path.join(ownDir(repo), `journal-${self.pid}-${randomId()}`);
  writeDurably(temporary, JSON.stringify(journal));
  try {
    linkSync(temporary, journalFile(repo));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST')
      throw new DevenvError(
        'refused',
        'another rollback is under way in this work tree',
        'wait until it is done',
        error,
      );
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  working.add(journal.stage);
  syncDir(path.dirname(journalFile(repo)));
}

/** Puts a newer version of the journal in the place of the one there. */
export function replaceJournal(repo: Repo, journal: Journal): void {
  const temporary = path.join(ownDir(repo), `journal-${self.pid}-${randomId()}`);
  writeDurably(temporary, JSON.stringify(journal));
  renameSync(temporary, journalFile(repo));
  syncDir(path.dirname(journalFile(repo)));
}

/** Nobody works on it any longer, though this process lives: whoever comes next may finish it. */
export function abandonJournal(journal: Journal): void {
  working.delete(journal.stage);
}

/** Whether the journal of this stage is in place. */
export function isJournalled(repo: Repo, stage: string): boolean {
  return existsSync(journalFile(repo)) && readJournal(repo).stage === stage;
}

function readJournal(repo: Repo): Journal {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file, put in place whole
  return JSON.parse(readFileSync(journalFile(repo), 'utf8')) as Journal;
}

/** The work is done, or taken back. */
export function removeJournal(repo: Repo, journal: Journal): void {
  working.delete(journal.stage);
  rmSync(journalFile(repo), { force: true });
  syncDir(path.dirname(journalFile(repo)));
}

/** The journal of a rollback whose process is dead; undefined when there is none or it still works. */
export function readAbandoned(repo: Repo): Journal | undefined {
  if (!existsSync(journalFile(repo))) return undefined;
  const journal = readJournal(repo);
  return ownerLives(journal) ? undefined : journal;
}

function ownerLives(journal: Journal): boolean {
  if (journal.pid === self.pid) return working.has(journal.stage);
  return isAlive(journal.pid) && (journal.started === '' || journal.started === startOf(journal.pid));
}

/** Files in our own folder that a killed process left; their names say whose they are. */
export function ownLitter(repo: Repo): string[] {
  const dir = path.join(repo.gitDir, 'devenv');
  if (!existsSync(dir)) return [];
  const dead = (name: string): boolean => {
    const pid = Number(/^(?:index|journal|stage)-(\d+)-/.exec(name)?.[1] ?? 'NaN');
    return !Number.isNaN(pid) && pid !== self.pid && !isAlive(pid);
  };
  return readdirSync(dir)
    .filter(dead)
    .map((name) => path.join(dir, name));
}

/** Writes a file and waits until it is on the disk. */
export function writeDurably(file: string, content: string | Buffer): void {
  writeFileSync(file, content, { flush: true });
}

/** Waits until a folder's entries are on the disk. */
export function syncDir(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Writes all of a buffer with a mode into a new file. */
export function writeWhole(file: string, content: Buffer, mode: number): void {
  const fd = openSync(file, 'wx', mode);
  try {
    for (let at = 0; at < content.length;) at += writeSync(fd, content, at);
  } finally {
    closeSync(fd);
  }
}
