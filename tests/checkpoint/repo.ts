import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { run, systemClock } from '../../src/base/index.ts';
import { createCheckpoint, type CreateInput, type Created } from '../../src/checkpoint/index.ts';
import { openRepo, type Repo } from '../../src/git/index.ts';
import {
  rollBack,
  undoLast,
  type RollbackDeps,
  type RollbackInput,
  type RollbackOutcome,
} from '../../src/rollback/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

/** A real repository in a folder of its own, and what the tests do with it. */
export interface TestRepo {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly repo: Repo;
  /** Runs git as the user would; throws what it said when it fails. */
  git(...args: string[]): Promise<string>;
  write(file: string, content: string | Buffer): void;
  read(file: string): string;
  remove(file: string): void;
  checkpoint(input?: Partial<CreateInput>): Promise<Created>;
  rollBack(input?: Partial<RollbackInput>): Promise<RollbackOutcome>;
  undo(): Promise<RollbackOutcome>;
  redo(): Promise<RollbackOutcome>;
}

export const project = (
  root: string,
): { root: string; config: { checkpoint: { maxFileBytes: number } } } => ({
  root,
  config: { checkpoint: { maxFileBytes: 1024 * 1024 } },
});

export async function makeRepo(
  options: {
    init?: readonly string[];
    files?: Readonly<Record<string, string>>;
    commit?: boolean;
    env?: NodeJS.ProcessEnv;
  } = {},
): Promise<TestRepo> {
  const dir = tempDir('repo');
  const env = testEnv({ GIT_CONFIG_NOSYSTEM: '1', ...options.env });
  const git = gitIn(dir, env);
  await git('init', '-q', '-b', 'main', ...(options.init ?? []));
  // Hundreds of tests make one: what git would do in two processes.
  const who = '[user]\n\tname = Tester\n\temail = tester@example.org\n';
  const config = path.join(dir, '.git/config');
  if (existsSync(config)) appendFileSync(config, who);
  else
    await git('config', 'user.name', 'Tester').then(() => git('config', 'user.email', 'tester@example.org'));
  for (const [file, content] of Object.entries(
    options.files ?? {
      'a.txt': 'a\n',
      'src/b.txt': 'b\n',
      'src/deep/c.txt': 'c\n',
      '.gitignore': 'ignored/\n*.log\n.env\n',
    },
  ))
    writeAt(dir, file, content);
  if (options.commit !== false) {
    await git('add', '-A');
    await git('commit', '-q', '-m', 'Start');
  }
  return openTestRepo(dir, env);
}

export async function openTestRepo(dir: string, env: NodeJS.ProcessEnv): Promise<TestRepo> {
  const repo = await openRepo({ cwd: dir, env });
  const deps: RollbackDeps = { env, clock: systemClock, restart: async () => [] };
  return {
    dir,
    env,
    repo,
    git: gitIn(dir, env),
    write: (file, content) => writeAt(dir, file, content),
    read: (file) => readFileSync(path.join(dir, file), 'utf8'),
    remove: (file) => rmSync(path.join(dir, file), { recursive: true, force: true }),
    checkpoint: (input = {}) =>
      createCheckpoint(repo, {
        verdict: 'unverified',
        reason: 'user',
        tags: 'all',
        now: Date.now(),
        maxFileBytes: 1024 * 1024,
        ...input,
      }),
    rollBack: (input = {}) => rollBack(deps, project(dir), { reason: 'user', target: 'last', ...input }),
    undo: () => undoLast(deps, project(dir)),
    redo: () => undoLast(deps, project(dir), { redo: true, yes: true }),
  };
}

export function gitIn(dir: string, env: NodeJS.ProcessEnv): (...args: string[]) => Promise<string> {
  return async (...args) => {
    const result = await run(['git', ...args], { cwd: dir, env: { ...env, GIT_OPTIONAL_LOCKS: '0' } });
    if (!result.ok) throw new Error(`git ${args.join(' ')}: ${result.stderr}${result.stdout}`);
    return result.stdout.trimEnd();
  };
}

function writeAt(dir: string, file: string, content: string | Buffer): void {
  mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
  writeFileSync(path.join(dir, file), content);
}

/** Every file of a folder (not `.git`) with type, executable bit and content: what a person calls "the state". */
export function filesOf(dir: string, skip: (file: string) => boolean = () => false): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (relative: Buffer): void => {
    const here = relative.length === 0 ? Buffer.from(dir) : Buffer.concat([Buffer.from(`${dir}/`), relative]);
    for (const name of readdirSync(here, { encoding: 'buffer' })) {
      if (relative.length === 0 && name.toString() === '.git') continue;
      const file = relative.length === 0 ? name : Buffer.concat([relative, Buffer.from('/'), name]);
      const full = Buffer.concat([Buffer.from(`${dir}/`), file]);
      const stat = lstatSync(full);
      if (stat.isDirectory()) walk(file);
      else if (!skip(file.toString('latin1'))) found[file.toString('latin1')] = describe(full, stat);
    }
  };
  walk(Buffer.alloc(0));
  return found;
}

function describe(full: Buffer, stat: ReturnType<typeof lstatSync> & object): string {
  if (stat.isSymbolicLink()) return `link ${readlinkSync(full, 'latin1')}`;
  if (!stat.isFile()) return 'special';
  return `${(Number(stat.mode) & 0o100) === 0 ? 'file' : 'exec'} ${createHash('sha1').update(readFileSync(full)).digest('hex')}`;
}

export interface VisibleState {
  readonly status: string;
  readonly refs: readonly string[];
  readonly git: readonly string[];
  readonly files: readonly string[];
}

/** All that a checkpoint must not change: index (bytes, time, inode), HEAD, refs, reflogs, config, stash, status, file times. */
export async function visibleState(t: TestRepo): Promise<VisibleState> {
  const stamp = (file: string): string => {
    const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
  };
  const inGit = [
    'index',
    'HEAD',
    'config',
    'ORIG_HEAD',
    'MERGE_HEAD',
    'logs/HEAD',
    'logs/refs/heads/main',
    'logs/refs/stash',
    'index.lock',
  ];
  const refs = (await t.git('for-each-ref', '--format=%(refname) %(objectname)')).split('\n');
  return {
    status: await t.git('status', '--porcelain=v2', '-uall', '--branch'),
    refs: refs.filter((ref) => ref !== '' && !/refs\/(devenv|tags\/checkpoint-)/.test(ref)),
    git: inGit.map((file) => `${file} ${stamp(path.join(t.repo.gitDir, file))}`),
    files: Object.keys(filesOf(t.dir)).map((file) => `${file} ${stamp(path.join(t.dir, file))}`),
  };
}

/** What is staged, with stages and intents. */
export async function stagedState(t: TestRepo): Promise<string> {
  return `${await t.git('ls-files', '--stage')}\n${await t.git('status', '--porcelain=v2', '-uall')}`;
}

/** Every byte of the work tree, ignored files too, and all of what is staged. */
export async function exactState(t: TestRepo): Promise<unknown> {
  return { files: filesOf(t.dir), staged: await stagedState(t) };
}

/** An environment whose git runs a shell script first (`$@` are git's arguments, `$git` is the real git). */
export async function withGitShim(env: NodeJS.ProcessEnv, script: string): Promise<NodeJS.ProcessEnv> {
  const dir = tempDir('shim');
  const real = (await run(['sh', '-c', 'command -v git'], { env })).stdout.trim();
  writeFileSync(path.join(dir, 'git'), `#!/bin/sh\ngit=${real}\n${script}\nexec $git "$@"\n`, {
    mode: 0o755,
  });
  return { ...env, PATH: `${dir}:${env['PATH']}` };
}
