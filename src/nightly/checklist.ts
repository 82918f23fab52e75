import { statfsSync } from 'node:fs';
import { formatDuration, plural, stateDir } from '../base/index.ts';
import { createCheckpoint, lastGood, newestName } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import { repoState, type Repo } from '../git/index.ts';
import { unfinished } from '../rollback/index.ts';
import type { CheckResult, NightlyDeps } from './types.ts';

/** What has to hold before anything runs unattended. An `error` in it blocks the run. */
export async function runChecklist(
  deps: NightlyDeps,
  project: Project,
  repo: Repo | undefined,
): Promise<readonly CheckResult[]> {
  if (!repo)
    return [
      bad(
        'repository',
        `${project.root} is in no git repository: nothing could be kept or put back`,
        'git init',
      ),
    ];
  const checks = [
    fine('repository', repo.root),
    gitState(repo),
    halfDone(repo),
    ...disk(deps, project),
    tests(deps, project),
    limits(project),
  ];
  // With something amiss nothing is written, not even a checkpoint.
  if (checks.some(({ level, ok }) => !ok && level === 'error')) return checks;
  return [...checks, await initialCheckpoint(deps, project, repo)];
}

const fine = (name: string, message: string): CheckResult => ({
  name,
  ok: true,
  level: 'info',
  message,
  remedy: '',
});
const bad = (name: string, message: string, remedy: string): CheckResult => ({
  name,
  ok: false,
  level: 'error',
  message,
  remedy,
});
const warning = (name: string, message: string, remedy: string): CheckResult => ({
  ...bad(name, message, remedy),
  level: 'warning',
});

function gitState(repo: Repo): CheckResult {
  const state = repoState(repo);
  if (state === 'clean') return fine('git', 'in the middle of nothing');
  return warning('git', `git is ${state}: nothing is reset meanwhile`, 'finish it, or give it up');
}

function halfDone(repo: Repo): CheckResult {
  const half = unfinished(repo);
  if (!half) return fine('rollback', 'none was left half done');
  return bad(
    'rollback',
    `the ${half.kind} to ${half.name} was killed half way`,
    'devenv rollback finishes it, devenv undo takes it back',
  );
}

function disk({ env }: NightlyDeps, { root, config }: Project): readonly CheckResult[] {
  const least = config.nightly.minDiskBytes;
  const places = [
    ['disk', root],
    ['disk of the state directory', stateDir(env)],
  ] as const;
  return places.map(([name, dir]) => {
    const { bavail, bsize } = statfsSync(dir);
    const message = `${formatSize(bavail * bsize)} free at ${dir}`;
    if (bavail * bsize >= least) return fine(name, message);
    return bad(
      name,
      `only ${message}, nightly.min_disk asks for ${formatSize(least)}`,
      'free some space (devenv prune drops old checkpoints), or lower nightly.min_disk',
    );
  });
}

const formatSize = (bytes: number): string =>
  bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GB` : `${Math.floor(bytes / 1024 ** 2)} MB`;

function tests({ store }: NightlyDeps, { id, config }: Project): CheckResult {
  const { suites, gates } = config.nightly;
  if (suites.length + gates.length === 0)
    return bad(
      'tests',
      'there is no suite and no gate to judge by',
      'add one under `suites:` in devenv.yaml',
    );
  const last = store.lastRuns(id);
  const known = suites.filter((name) => ['passed', 'failed', 'flaky'].includes(last[name]?.verdict ?? ''));
  const unknown = suites.filter((name) => !known.includes(name));
  if (unknown.length === 0) return fine('tests', `known to run: ${suites.join(', ') || gates.join(', ')}`);
  return warning(
    'tests',
    `came to no verdict when last run, or never ran: ${unknown.join(', ')}`,
    `devenv test ${unknown.join(' ')} shows whether they run at all`,
  );
}

function limits({ config }: Project): CheckResult {
  const { nightly, suites } = config;
  const each = suites.filter(({ name }) => nightly.suites.includes(name));
  const sum = each.reduce((all, { timeoutMs }) => all + timeoutMs, 0);
  const message = `${formatDuration(nightly.timeoutMs)} in all; ${plural(each.length, 'suite')} of at most ${formatDuration(sum)} together`;
  return fine('limits', message);
}

/** There is a checkpoint to compare with and to go back to; the first one is made now, unverified. */
async function initialCheckpoint(
  { clock, env }: NightlyDeps,
  project: Project,
  repo: Repo,
): Promise<CheckResult> {
  const good = await lastGood(repo, project.root);
  if (good) return fine('checkpoint', `the last good one is ${good.tag}`);
  const noGood = 'there is no good checkpoint yet, so nothing can be put back';
  const remedy = 'devenv checkpoint makes one when the tests pass; so does this run';
  const newest = await newestName(repo);
  if (newest !== undefined) return warning('checkpoint', `${noGood}; the newest is ${newest}`, remedy);
  const { tags, maxFileBytes } = project.config.checkpoint;
  const made = await createCheckpoint(repo, {
    verdict: 'unverified',
    reason: 'nightly',
    session: env['DEVENV_SESSION_ID'],
    root: project.root,
    tags,
    maxFileBytes,
    now: clock.now(),
  });
  return warning('checkpoint', `${noGood}; the first one was made now: ${made.tag}`, remedy);
}
