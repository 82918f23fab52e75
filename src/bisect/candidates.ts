import { DevenvError, showName } from '../base/index.ts';
import {
  isPulled,
  lastGood,
  listCheckpoints,
  resolveCheckpoint,
  snapshot,
  isOfProject,
  isOfWorktree,
  type Checkpoint,
} from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import { mustGit, type Repo } from '../git/index.ts';
import { findCommit, firstParents, isAncestor, mergeBase } from './commits.ts';
import { bisectRef } from './keep.ts';
import type { Asked, BisectDeps, BisectEvents, Candidate } from './types.ts';

/**
 * The line of states to search, oldest first: the good end, all between, the bad end. States that follow each
 * other with the same tree are one. Throws for ends that do not exist or do not stand in that order.
 */
export async function findCandidates(
  deps: BisectDeps,
  project: Project,
  repo: Repo,
  { asked, on }: { readonly asked: Asked; readonly on: Pick<BisectEvents, 'remark'> },
): Promise<readonly Candidate[]> {
  const [good, bad] = [await findEnd(repo, asked.good, asked), await findEnd(repo, asked.bad, asked)];
  const byCommits = asked.commits || typeof good === 'string' || typeof bad === 'string';
  const line = byCommits
    ? await commitLine(repo, project.root, { good, bad })
    : await checkpointLine(repo, project.root, { good: asCheckpoint(good), bad: asCheckpoint(bad) }, () =>
        present(deps, project, repo, on),
      );
  const candidates = line.filter((one, index) => one.tree !== line[index - 1]?.tree);
  if (candidates.length < 2)
    throw new DevenvError(
      'usage',
      `${line.at(-1)?.name ?? 'the bad one'} has the same files as ${line[0]?.name ?? 'the good one'}: there is nothing between them`,
      'name two that differ, with --good and --bad',
    );
  return candidates;
}

/** A checkpoint, or the commit that a revision names. */
type End = Checkpoint | string | undefined;

const asCheckpoint = (end: End): Checkpoint | undefined => (typeof end === 'string' ? undefined : end);

async function findEnd(repo: Repo, name: string | null, asked: Asked): Promise<End> {
  if (name === null) return undefined;
  const revision = asked.commits ? await findCommit(repo, name) : undefined;
  if (revision !== undefined) return revision;
  try {
    const found = await resolveCheckpoint(repo, name);
    if (!isPulled(found.tag)) return found;
  } catch (error) {
    const commit = await findCommit(repo, name);
    if (commit !== undefined) return commit;
    if (!asked.commits || !(error instanceof DevenvError)) throw error;
    throw new DevenvError(
      'unknown-tag',
      `there is no commit ${showName(name)}`,
      'name a commit, branch or tag as git takes it, or a checkpoint',
    );
  }
  throw new DevenvError(
    'usage',
    `${showName(name)} was made on another machine: it stands in no line with those of here`,
    'bisect where it was made (devenv bisect --host HOST), or over commits: --commits',
  );
}

async function checkpointLine(
  repo: Repo,
  root: string,
  ends: { readonly good: Checkpoint | undefined; readonly bad: Checkpoint | undefined },
  takePresent: () => Promise<Candidate>,
): Promise<Candidate[]> {
  const isHere = isOfWorktree(repo);
  const isOurs = isOfProject(repo, root);
  const all = [...(await listCheckpoints(repo))]
    .reverse()
    .filter((one) => isHere(one) || one.tag === ends.good?.tag || one.tag === ends.bad?.tag);
  const at = (checkpoint: Checkpoint): number => all.findIndex((one) => one.tag === checkpoint.tag);
  const last = ends.bad === undefined ? await takePresent() : fromCheckpoint(ends.bad);
  const until = ends.bad === undefined ? all : all.slice(0, at(ends.bad));
  const good =
    ends.good ?? until.findLast((one) => one.verdict === 'passed' && isOurs(one) && one.tree !== last.tree);
  if (good === undefined)
    throw new DevenvError(
      'unknown-tag',
      `there is no good checkpoint before ${last.name}`,
      'name one that worked with --good (see `devenv checkpoints`), or a commit: --commits --good REVISION',
    );
  if (ends.bad && at(good) >= at(ends.bad)) throw wrongOrder(good.tag, ends.bad.tag);
  return [...until.slice(at(good)).map(fromCheckpoint), last];
}

function wrongOrder(good: string, bad: string): DevenvError {
  return new DevenvError(
    'usage',
    `the good one (${good}) is not older than the bad one (${bad})`,
    'bisect finds what broke something; were --good and --bad mixed up?',
  );
}

function fromCheckpoint(one: Checkpoint): Candidate {
  const { tag, commit, tree, at } = one;
  return { name: tag, tag, commit, tree, at, message: one.message.split('\n')[0] ?? '' };
}

// Other looks at the work tree replace the ref of this one, so it gets one of its own.
async function present(
  deps: BisectDeps,
  project: Project,
  repo: Repo,
  on: Pick<BisectEvents, 'remark'>,
): Promise<Candidate> {
  const now = deps.clock.now();
  const { maxFileBytes } = project.config.checkpoint;
  const { commit, tree, lacking = [] } = await snapshot(repo, { now, maxFileBytes, purpose: 'look' });
  if (lacking.length > 0)
    on.remark(
      `now is judged without the changes of ${lacking.map(showName).join(', ')}: they cannot be taken`,
    );
  const ref = bisectRef(repo);
  await mustGit(repo, 'keeping the present', ['update-ref', ref, commit]);
  return { name: 'now', tag: null, commit, tree, at: new Date(now).toISOString(), message: '' };
}

async function commitLine(
  repo: Repo,
  root: string,
  ends: { readonly good: End; readonly bad: End },
): Promise<Candidate[]> {
  const bad = await commitOf(repo, ends.bad, 'HEAD');
  const good =
    ends.good === undefined
      ? (await lastGood(repo, root))?.head
      : typeof ends.good === 'string'
        ? ends.good
        : ends.good.head;
  if (good === undefined || good === null)
    throw new DevenvError('usage', 'no commit is known to be good', 'name one that worked: --good REVISION');
  if (good === bad)
    throw new DevenvError(
      'usage',
      'the good commit and the bad one are the same',
      'name two that differ, with --good and --bad',
    );
  if (!(await isAncestor(repo, good, bad))) {
    if (await isAncestor(repo, bad, good)) throw wrongOrder(good.slice(0, 12), bad.slice(0, 12));
    const base = await mergeBase(repo, good, bad);
    throw new DevenvError(
      'usage',
      `the good commit ${good.slice(0, 12)} is not an ancestor of the bad one`,
      base === undefined
        ? 'name a good one from which the bad one was made'
        : `was the commit where they part good too? then: --good ${base.slice(0, 12)}`,
    );
  }
  return firstParents(repo, good, bad);
}

async function commitOf(repo: Repo, end: End, otherwise: string): Promise<string> {
  if (typeof end === 'string') return end;
  const commit = end?.commit ?? (await findCommit(repo, otherwise));
  if (commit === undefined)
    throw new DevenvError('usage', 'there is no commit yet', 'bisect over checkpoints: without --commits');
  return commit;
}
