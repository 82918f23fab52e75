import { spawn } from 'node:child_process';
import { DevenvError, diskFull, errnoOf, runBytes } from '../base/index.ts';
import type { RunBytesResult, RunOptions } from '../base/index.ts';
import { foldsCase } from './disk.ts';
import { missingGit } from './env.ts';
import type { Repo } from './repo.ts';

/** Settings for every call: no hook, no background gc, no reflog of ours, refs and objects on the disk before we go on. */
const settings = [
  'core.hooksPath=/dev/null',
  'gc.auto=0',
  'maintenance.auto=false',
  'core.logAllRefUpdates=false',
  'core.fsync=objects,pack-metadata,reference',
  'core.fsyncMethod=batch',
  // What git says to us is read as UTF-8, and our own messages are written so.
  'i18n.logOutputEncoding=UTF-8',
];

/** The whole argv of a git call with devenv's settings; `reflog` leaves it to the user's own whether one is kept. */
export function gitArgv(
  repo: Pick<Repo, 'root' | 'gitDir'>,
  args: readonly string[],
  reflog = false,
): string[] {
  const always = reflog ? settings.filter((one) => !one.startsWith('core.logAllRefUpdates')) : settings;
  const used = [...always, `core.ignoreCase=${foldsCase(repo)}`];
  return ['git', '--no-optional-locks', ...used.flatMap((setting) => ['-c', setting]), ...args];
}

interface GitOptions extends Omit<RunOptions, 'cwd'> {
  /** A branch or HEAD moves for the user: its reflog gets a line. */
  readonly reflog?: boolean;
}

/** Runs git at the top of the work tree; never throws on a non-zero exit, but does on a missing git. */
export async function git(
  repo: Repo,
  args: readonly string[],
  { reflog = false, ...options }: GitOptions = {},
): Promise<RunBytesResult> {
  const result = await runBytes(gitArgv(repo, args, reflog), { env: repo.env, ...options, cwd: repo.root });
  if (result.reason === 'missing') throw missingGit();
  return result;
}

/** As `git`, for calls that must work: throws an error that says what was being done and what git said. */
export async function mustGit(
  repo: Repo,
  doing: string,
  args: readonly string[],
  options: GitOptions = {},
): Promise<Buffer> {
  const result = await git(repo, args, options);
  if (!result.ok) throw gitError(doing, result.stderr, [repo.gitDir, repo.root]);
  return result.stdout;
}

/**
 * As `mustGit` for a long answer made of records: `take` gets each as soon as it is there, so that reading it
 * goes on while git writes. What stands behind the last separator is no record.
 */
export function readRecords(
  repo: Repo,
  doing: string,
  args: readonly string[],
  separator: string,
  take: (record: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const [file = 'git', ...rest] = gitArgv(repo, args);
    const child = spawn(file, rest, { cwd: repo.root, env: repo.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const records = (text + chunk).split(separator);
      text = records.pop() ?? '';
      records.forEach(take);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', (error) =>
      reject(errnoOf(error) === 'ENOENT' ? missingGit() : gitError(doing, error.message)),
    );
    child.on('close', (code) => (code === 0 ? resolve() : reject(gitError(doing, stderr))));
  });
}

/** git's complaint as an error for the user; `places`: where it wrote. */
export function gitError(doing: string, stderr: string, places: readonly string[] = []): DevenvError {
  const why =
    stderr
      .trim()
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('fast-import: dumping'))
      .join('; ')
      .replace(/^(fatal|error): /, '') || 'git ended without a word';
  const distrusted = /safe\.directory (.+?)$/m.exec(stderr)?.[1];
  if (/dubious ownership/.test(why) && distrusted !== undefined)
    return new DevenvError(
      'no-repo',
      `git does not trust the repository at ${distrusted}: it belongs to another user`,
      `git config --global --add safe.directory ${distrusted}`,
    );
  if (/No space left|Out of disk ?space|Disk quota/i.test(why)) return diskFull(doing, undefined, places);
  if (/Permission denied|Read-only file system|insufficient permission/i.test(why))
    return new DevenvError(
      'environment',
      `git may not write while ${doing}: ${why}`,
      'check the permissions of the .git folder; nothing was changed',
    );
  if (/pathspec magic|is outside repository/i.test(why))
    return new DevenvError('usage', `no path of this work tree: ${why}`);
  const broken =
    /missing object|bad object|object not found|missing necessary objects|reference broken/i.test(why);
  return new DevenvError(
    'environment',
    `git failed while ${doing}: ${why}`,
    broken
      ? 'nothing was changed; devenv doctor names what is broken, and devenv doctor --fix puts it aside'
      : 'nothing was changed; earlier checkpoints are as they were',
  );
}
