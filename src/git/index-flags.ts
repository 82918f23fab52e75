import { mustGit } from './exec.ts';
import type { HiddenEntry } from './index-scan.ts';
import type { IndexUpdate, Moment } from './index-types.ts';
import { pathList, type RawPath } from './names.ts';
import type { Repo } from './repo.ts';
import { notedState, noteState } from './state-notes.ts';

/** What the user told git of a path that it hides. */
export type Hidden = Pick<HiddenEntry, 'path' | 'flags'>;

/** Which entries, hidden from git, lose that when a state is left: no commit holds these flags. */
const hiddenNotes = 'hidden.json';

/** Notes what loses its flags with the state that is left; gives what has some in the one that comes back. */
export function noteFlags(
  repo: Repo,
  { from, to, files }: Moment,
  flagged: readonly Hidden[],
  updates: readonly IndexUpdate[],
): readonly Hidden[] {
  noteState(repo, hiddenNotes, from, losing(flagged, updates, files));
  return notedState(repo, hiddenNotes, to);
}

function losing(
  flagged: readonly Hidden[],
  updates: readonly IndexUpdate[],
  files: readonly RawPath[],
): readonly Hidden[] {
  const leaving = updates.filter(({ mode }) => mode === '000000').map((update) => update.path);
  const lost = new Set([...leaving, ...files]);
  return flagged
    .filter((entry) => lost.has(entry.path))
    .map(({ path: name, flags }) => ({ path: name, flags }));
}

/** An entry that is given anew has none of the flags that the old one had; what comes back has those of its state. */
export async function flagAgain(
  repo: Repo,
  file: string,
  { flagged, comeBack }: { readonly flagged: readonly Hidden[]; readonly comeBack: readonly Hidden[] },
  updates: readonly IndexUpdate[],
): Promise<void> {
  const anew = new Set(updates.filter(({ mode }) => mode !== '000000').map((update) => update.path));
  const there = await stagedNames(repo, file, comeBack);
  const all = [
    ...flagged.filter((entry) => anew.has(entry.path)),
    ...comeBack.filter((entry) => there.has(entry.path)),
  ];
  for (const flag of ['assume-unchanged', 'skip-worktree'] as const)
    await setFlag(
      repo,
      file,
      `--${flag}`,
      all.filter((entry) => entry.flags.includes(flag)),
    );
}

// What was taken out, here or by the user, has no flag: git would give up at it.
async function stagedNames(
  repo: Repo,
  file: string,
  entries: readonly Hidden[],
): Promise<ReadonlySet<RawPath>> {
  if (entries.length === 0) return new Set();
  const listed = await mustGit(repo, 'putting the staged state back', ['ls-files', '-z'], {
    env: { ...repo.env, GIT_INDEX_FILE: file },
  });
  return new Set(listed.toString('latin1').split('\0'));
}

/** Sets or clears a flag (`--skip-worktree`, ...) in an index file. */
export async function setFlag(
  repo: Repo,
  file: string,
  flag: string,
  entries: readonly Hidden[],
): Promise<void> {
  if (entries.length === 0) return;
  await mustGit(repo, 'putting the staged state back', ['update-index', flag, '-z', '--stdin'], {
    env: { ...repo.env, GIT_INDEX_FILE: file },
    input: pathList(entries),
  });
}
