import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DevenvError, plural, run, showName } from '../../base/index.ts';
import { receivedRefs, refuseHome } from '../../checkpoint/index.ts';
import {
  diskPath,
  git,
  gitEnv,
  gitError,
  missingGit,
  mustGit,
  refsInTheWay,
  openRepo,
  readRef,
  setRef,
  takePack,
  type Repo,
} from '../../git/index.ts';
import { putState, settleBefore, type RollbackDeps, type RollbackOutcome } from '../../rollback/index.ts';
import { absoluteDir, lockPlace, lookAtPlace, type Place } from './place.ts';
import { receivedNames } from './facts.ts';
import type { BoxDeps } from './state.ts';
import { findUnsaved } from './unsaved.ts';
import type { FreshSettings, ReceiveInput, Received, Unsaved } from './types.ts';

/** What receiving touches the world with. */
export interface ReceiveDeps extends BoxDeps {
  /** How services of a project are restarted when files of it changed. */
  readonly restart: (root: string) => RollbackDeps['restart'];
}

/** Standard input: first the header, read exactly to its end; the pack behind it is read by git itself. */
const inputFd = 0;

function readHeader(bytes: number): ReceiveInput {
  const header = Buffer.alloc(bytes);
  for (let at = 0; at < bytes;) {
    const read = readSync(inputFd, header, at, bytes - at, null);
    if (read === 0) throw new DevenvError('lost', 'what was sent did not arrive whole', 'run it again');
    at += read;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the very same build
  return JSON.parse(header.toString('utf8')) as ReceiveInput;
}

/**
 * Takes in what the other side sends on standard input, and puts it in place as a rollback does: the present is saved
 * first, undo takes it back, a kill at any moment loses nothing. Throws 'refused' for work that is only here.
 */
export async function receive(deps: ReceiveDeps, headerBytes: number): Promise<Received> {
  const input = readHeader(headerBytes);
  const dir = absoluteDir(input.dir, deps.env);
  using _ = lockPlace(dir, deps.env);
  const place = await lookAtPlace(dir, deps.env);
  const created = place.kind !== 'repo';
  const repo = created ? await makeRepo(deps, place, input) : place.repo!;
  refuseFormat(repo, input.fresh.objectFormat);
  await settleBefore(repo);
  if (input.head === null && (await readRef(repo, 'HEAD')) !== undefined) throw unbornError(dir);
  await takePack(repo, inputFd, [input.commit]);
  const root = path.join(repo.root, input.inside);
  const maxFileBytes = await deps.maxFileBytes(root);
  if (!input.force && place.kind !== 'foreign') {
    const { known, commit: coming } = input;
    const { unsaved } = await findUnsaved(repo, { clock: deps.clock, maxFileBytes, known, coming });
    if (unsaved) throw unsavedError(unsaved, 'there', input.host);
  }
  const without = await makeRoom(repo, input);
  await note(repo, 'next', input.commit);
  const outcome = await putState({ env: deps.env, clock: deps.clock, restart: deps.restart(root) }, repo, {
    commit: input.commit,
    name: input.name,
    maxFileBytes,
    without,
  });
  await settleIndex(repo, created || outcome.written.length > manyFiles);
  const last = await readRef(repo, receivedNames(repo).last);
  if (last !== undefined) await note(repo, 'previous', last);
  await note(repo, 'last', input.commit);
  await note(repo, 'next', null);
  const done = facts(outcome);
  const room = without.map((ref) => `${ref} made room; devenv undo --host ${input.host} brings it back`);
  return { dir: repo.root, created, ...done, warnings: [...room, ...done.warnings] };
}

/**
 * The branches whose names leave no room for the one that comes. Throws 'refused'
 * for commits on them that did not come from the other side.
 */
async function makeRoom(repo: Repo, { branch, head, force, host }: ReceiveInput): Promise<readonly string[]> {
  if (branch === null || head === null) return [];
  const without = await refsInTheWay(repo, `refs/heads/${branch}`);
  if (force || without[0] === undefined) return without;
  const known = ['--not', head, '--remotes', `--glob=${receivedRefs}`];
  const own = await mustGit(repo, 'reading commits', ['rev-list', '-1', ...without, ...known]);
  if (own.length === 0) return without;
  const name = without[0].slice('refs/heads/'.length);
  throw new DevenvError(
    'refused',
    `${repo.root} has no room for branch ${branch} beside branch ${name}, which has commits made there`,
    `git branch -m ${name} OTHER there; or devenv host push ${host} --force keeps it there as an undo entry`,
  );
}

/** One of the states that the other side knows: `next` from before the files change until `last` is it. */
function note(
  repo: Repo,
  which: keyof ReturnType<typeof receivedNames>,
  commit: string | null,
): Promise<void> {
  const ref = receivedNames(repo)[which];
  return setRef(repo, { ref, from: undefined, to: commit, doing: 'noting what was received' });
}

function facts(outcome: RollbackOutcome): Omit<Received, 'dir' | 'created'> {
  const { written, deleted, kept, staged, head, undo, restarted, warnings, restartError } = outcome;
  const done = { written, deleted, kept, staged, head, undo, restarted, warnings };
  return { ...done, restartError: restartError ?? null };
}

/** The refusal, with how to get that work, and how to go ahead. `about` says where it is. */
export function unsavedError(unsaved: Unsaved, about: string, host: string): DevenvError {
  return new DevenvError(
    'refused',
    `there is work ${about} that was not sent: ${describeUnsaved(unsaved)}`,
    `devenv host pull ${host} brings it to you (then devenv diff ${host}/present); devenv host push ${host} --force keeps it there as an undo entry and goes on`,
  );
}

const mostSaid = 3;

/** What it is, in one line. Pure. */
export function describeUnsaved({ files, count, staged, commits, branch }: Unsaved): string {
  const some = (all: readonly string[], total: number): string =>
    `${all.slice(0, mostSaid).map(showName).join(', ')}${total > mostSaid ? ` and ${total - mostSaid} more` : ''}`;
  return [
    commits.length === 0 ? '' : `${plural(commits.length, 'commit')} (${some(commits, commits.length)})`,
    count === 0 ? '' : `${plural(count, 'changed file')} (${some(files, count)})`,
    count === 0 && staged ? 'something else is staged' : '',
    branch === null ? '' : `branch ${showName(branch)} is checked out`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** The error for a folder with files that is no repository. */
export function foreignError(place: Pick<Place, 'dir' | 'holds'>, howTo?: string): DevenvError {
  return new DevenvError(
    'refused',
    `${place.dir} is not empty and no git repository (${place.holds.slice(0, mostSaid).map(showName).join(', ')})`,
    howTo,
  );
}

function refuseFormat(repo: Repo, format: Repo['objectFormat']): void {
  if (repo.objectFormat === format) return;
  throw formatError(repo.root, repo.objectFormat, format);
}

/** The error for two repositories that cannot hold the same objects. */
export function formatError(dir: string, has: string, wanted: string): DevenvError {
  return new DevenvError(
    'environment',
    `${dir} is a ${has} repository, this one is ${wanted}: git cannot bring them together`,
    'name another path for this host, or move that folder away',
  );
}

/** The error for a repository without a commit that is sent to one with some. */
export function unbornError(dir: string): DevenvError {
  return new DevenvError(
    'refused',
    `${dir} has commits, and this repository has none yet: the branch there would be emptied`,
    'make a commit first, or name another path for this host',
  );
}

/** A repository in a folder that has none yet; each step may be done already by one that was cut off. */
async function makeRepo(deps: BoxDeps, place: Place, input: ReceiveInput): Promise<Repo> {
  if (place.kind === 'foreign' && !input.force) throw foreignError(place);
  // Its words, before anything is made in a home directory.
  refuseHome({ root: place.dir, env: deps.env });
  if ((await run(['git', '--version'], { env: gitEnv(deps.env) })).reason === 'missing') throw missingGit();
  mkdirSync(place.dir, { recursive: true });
  const { objectFormat } = input.fresh;
  const format = objectFormat === 'sha256' ? ['--object-format=sha256'] : [];
  await initIn(place.dir, deps.env, format);
  const repo = await openRepo({ cwd: place.dir, env: deps.env });
  if (input.branch !== null)
    await mustGit(repo, 'naming the branch', ['symbolic-ref', 'HEAD', `refs/heads/${input.branch}`]);
  await configure(repo, input.fresh);
  return repo;
}

async function initIn(root: string, env: NodeJS.ProcessEnv, format: readonly string[]): Promise<void> {
  const result = await run(['git', 'init', '-q', ...format], { cwd: root, env: gitEnv(env) });
  if (result.reason === 'missing') throw missingGit();
  if (!result.ok) throw gitError('making a repository', result.stderr);
}

async function configure(repo: Repo, fresh: FreshSettings): Promise<void> {
  const set = async (name: string, value: string): Promise<void> => {
    if ((await git(repo, ['config', '--local', '--get', name])).ok) return;
    await mustGit(repo, 'setting the repository up', ['config', '--local', name, value]);
  };
  const { autocrlf, eol } = fresh.lineEnds;
  if (autocrlf !== '') await set('core.autocrlf', autocrlf);
  if (eol !== '') await set('core.eol', eol);
  for (const { name, url } of fresh.remotes) {
    await set(`remote.${name}.url`, url);
    await set(`remote.${name}.fetch`, `+refs/heads/*:refs/remotes/${name}/*`);
  }
  if (fresh.shallow.length > 0)
    writeFileSync(path.join(repo.commonDir, 'shallow'), `${fresh.shallow.join('\n')}\n`);
  const exclude = path.join(repo.commonDir, 'info/exclude');
  const there = existsSync(exclude) ? readFileSync(exclude, 'utf8') : '';
  if (fresh.excludes === '' || there.includes(fresh.excludes)) return;
  mkdirSync(path.dirname(exclude), { recursive: true });
  appendFileSync(exclude, `${there === '' || there.endsWith('\n') ? '' : '\n'}${fresh.excludes}`);
}

const manyFiles = 100;

/**
 * What a checkout leaves besides files: an empty folder for each submodule, without which it counts as deleted; and
 * file times in the index, without which each look at the work tree would read every file again.
 */
async function settleIndex(repo: Repo, refresh: boolean): Promise<void> {
  if (existsSync(path.join(repo.root, '.gitmodules'))) {
    const out = await mustGit(repo, 'looking for submodules', ['ls-files', '-s', '-z']);
    for (const [, name = ''] of out.toString('latin1').matchAll(/(?:^|\0)160000 [^\t]*\t([^\0]*)/g))
      makeFolder(diskPath(repo.root, name));
  }
  // Somebody else may hold the index in this moment: then it is done the next time somebody looks.
  if (refresh) await git(repo, ['update-index', '-q', '--refresh']);
}

function makeFolder(dir: Buffer): void {
  try {
    if (!lstatSync(dir, { throwIfNoEntry: false })) mkdirSync(dir, { recursive: true });
  } catch {
    // Something is in its place: git says so as well as we could.
  }
}
