import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { gitIn, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';

const names = [
  'a.txt',
  'src/b.txt',
  'src/deep/c.txt',
  'new',
  'new/below',
  'src',
  'dé pôt/ü',
  'x.log',
  'ignored/y',
];
const texts = ['', 'one\n', 'two\r\n', 'three\n', 'mixed\r\nends\n', 'no end', 'long'];

/** One thing that a person or another program does to a repository. */
export type Edit = {
  readonly name: string;
  readonly other: string;
  readonly text: string;
} & { readonly do: (typeof edits)[number] };

/** One thing that is asked of devenv. */
export type Ask = {
  readonly do: AskName;
  readonly back: number;
  readonly afterMs: number;
};

export type Step = Edit | Ask;

const fileEdits = [
  'write',
  'append',
  'truncate',
  'same size, old time',
  'remove',
  'rename',
  'change case',
  'chmod',
  'link',
] as const;
const edits = [
  ...fileEdits,
  'nested',
  'ignore',
  'attributes',
  'add',
  'intend',
  'rm',
  'commit',
  'conflict',
  'abort',
  'stash',
  'pop',
  'hide',
  'sparse',
  'whole',
  'worktree',
  'gc',
] as const;
type AskName = 'checkpoint' | 'rollback' | 'undo' | 'crash' | 'two';

const edit: fc.Arbitrary<Edit> = fc.record({
  // More of what changes files: of the rest, once in a while is enough.
  do: fc.constantFrom(...edits, ...fileEdits, ...fileEdits, 'add' as const),
  name: fc.constantFrom(...names),
  other: fc.constantFrom(...names),
  text: fc.constantFrom(...texts),
});
const repeated = (name: AskName, times: number): AskName[] => Array.from({ length: times }, () => name);
const ask: fc.Arbitrary<Ask> = fc.record({
  do: fc.constantFrom<AskName[]>(
    ...repeated('rollback', 5),
    ...repeated('undo', 4),
    ...repeated('checkpoint', 3),
    ...repeated('crash', 2),
    'two',
  ),
  back: fc.integer({ min: 1, max: 4 }),
  afterMs: fc.integer({ min: 40, max: 320 }),
});

/** What is done to a repository, and how it is set up. */
export const history: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof({ weight: 1, arbitrary: edit }, { weight: 1, arbitrary: ask }),
  { minLength: 12, maxLength: 40, size: 'max' },
);

export interface Setup {
  readonly autocrlf: 'true' | 'input' | 'false';
  readonly safecrlf: boolean;
  readonly fileMode: boolean;
  readonly splitIndex: boolean;
  readonly untrackedCache: boolean;
  readonly indexVersion: '2' | '4';
  readonly lang: string;
}

export const setup: fc.Arbitrary<Setup> = fc.record({
  autocrlf: fc.constantFrom('false', 'false', 'true', 'input'),
  safecrlf: fc.boolean(),
  fileMode: fc.constantFrom(true, true, false),
  splitIndex: fc.boolean(),
  untrackedCache: fc.boolean(),
  indexVersion: fc.constantFrom('2', '4'),
  lang: fc.constantFrom('C', 'tr_TR.UTF-8', 'zh_CN.UTF-8'),
});

/** Git as the user runs it: the hooks of the repository let it pass, and only it. */
export function userGit(t: TestRepo): (...args: string[]) => Promise<string> {
  return gitIn(t.dir, { ...t.env, TORTURE_USER: '1' });
}

/** Sets a repository up so that everything that may be asked, run or converted, would be. Returns the trace of hooks. */
export async function applySetup(t: TestRepo, s: Setup): Promise<string> {
  const hooks = tempDir('hooks');
  const ran = path.join(tempDir('ran'), 'ran');
  for (const hook of [
    'reference-transaction',
    'post-index-change',
    'pre-commit',
    'post-checkout',
    'fsmonitor-watchman',
  ])
    writeFileSync(
      path.join(hooks, hook),
      `#!/bin/sh\n[ -n "$TORTURE_USER" ] && exit 0\necho ${hook} >>'${ran}'\nexit 1\n`,
      { mode: 0o755 },
    );
  const git = userGit(t);
  const config: Readonly<Record<string, string>> = {
    'core.hooksPath': hooks,
    'core.autocrlf': s.autocrlf,
    'core.safecrlf': s.safecrlf ? 'true' : 'warn',
    'core.fileMode': String(s.fileMode),
    'core.splitIndex': String(s.splitIndex),
    'core.untrackedCache': String(s.untrackedCache),
    'commit.gpgSign': 'true',
    'tag.gpgSign': 'true',
    'gpg.program': '/bin/false',
    'core.logAllRefUpdates': 'always',
    'gc.auto': '1',
    'gc.autoDetach': 'false',
  };
  for (const [key, value] of Object.entries(config)) await git('config', key, value);
  await git('update-index', '--index-version', s.indexVersion);
  return ran;
}

/** Makes room for a file: what is in the way goes, as a person would do it. */
function clear(t: TestRepo, file: string): string {
  const full = path.join(t.dir, file);
  const parents = file
    .split('/')
    .slice(0, -1)
    .map((_, n, parts) => parts.slice(0, n + 1).join('/'));
  for (const dir of parents) {
    const stat = lstatSync(path.join(t.dir, dir), { throwIfNoEntry: false });
    if (stat && !stat.isDirectory()) rmSync(path.join(t.dir, dir));
  }
  rmSync(full, { recursive: true, force: true });
  mkdirSync(path.dirname(full), { recursive: true });
  return full;
}

function isFile(full: string): boolean {
  try {
    return lstatSync(full).isFile();
  } catch {
    return false;
  }
}

function rewriteInPlace(full: string): void {
  const { atime, mtime } = lstatSync(full);
  writeFileSync(
    full,
    readFileSync(full, 'latin1').replaceAll(/[a-y]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 1)),
    'latin1',
  );
  utimesSync(full, atime, mtime);
}

function rename(t: TestRepo, from: string, to: string): void {
  if (
    from === to ||
    from.startsWith(`${to}/`) ||
    to.startsWith(`${from}/`) ||
    !existsSync(path.join(t.dir, from))
  )
    return;
  const target = clear(t, to);
  if (existsSync(path.join(t.dir, from))) renameSync(path.join(t.dir, from), target);
}

/** Does to the files what a step says. */
function editFiles(t: TestRepo, step: Edit): boolean {
  const full = path.join(t.dir, step.name);
  if (step.do === 'write')
    writeFileSync(clear(t, step.name), step.text === 'long' ? 'long\n'.repeat(2000) : step.text);
  else if (step.do === 'append' && isFile(full)) appendFileSync(full, step.text);
  else if (step.do === 'truncate' && isFile(full)) truncateSync(full, 2);
  else if (step.do === 'same size, old time' && isFile(full)) rewriteInPlace(full);
  else if (step.do === 'remove') t.remove(step.name);
  else if (step.do === 'rename') rename(t, step.name, step.other);
  else if (step.do === 'change case') rename(t, step.name, step.name.toUpperCase());
  else if (step.do === 'chmod' && isFile(full)) chmodSync(full, lstatSync(full).mode ^ 0o111);
  else if (step.do === 'link') symlinkSync('../outside', clear(t, step.name));
  else if (step.do === 'ignore')
    writeFileSync(path.join(t.dir, '.gitignore'), `ignored/\n*.log\n${step.name}\n`);
  else if (step.do === 'attributes')
    writeFileSync(
      path.join(t.dir, '.gitattributes'),
      `${step.text.slice(0, 3) === 'one' ? '* text=auto' : '*.txt ident eol=crlf'}\n`,
    );
  else return false;
  return true;
}

async function commit(t: TestRepo, message: string): Promise<void> {
  await userGit(t)('-c', 'commit.gpgSign=false', 'commit', '-q', '--allow-empty', '-m', message);
}

async function conflict(t: TestRepo, name: string): Promise<void> {
  const git = userGit(t);
  await git('branch', '-q', '-f', 'side');
  await git('checkout', '-q', 'side');
  writeFileSync(clear(t, name), 'theirs\n');
  await git('add', '-A');
  await commit(t, 'Theirs');
  await git('checkout', '-q', '-f', 'main');
  writeFileSync(clear(t, name), 'ours\n');
  await git('add', '-A');
  await commit(t, 'Ours');
  await git('-c', 'commit.gpgSign=false', 'merge', '-q', 'side');
}

async function nested(t: TestRepo): Promise<void> {
  mkdirSync(path.join(t.dir, 'nested'), { recursive: true });
  const git = gitIn(path.join(t.dir, 'nested'), t.env);
  await git('init', '-q');
  writeFileSync(path.join(t.dir, 'nested/inner.txt'), 'mine\n');
}

/** Does what a step says. git may refuse it, as it may refuse a person. */
export async function edit1(t: TestRepo, step: Edit): Promise<void> {
  if (editFiles(t, step)) return;
  const git = userGit(t);
  const doings: Partial<Record<Edit['do'], () => Promise<unknown>>> = {
    nested: () => nested(t),
    add: () => git('add', '-A', '--', step.name),
    intend: () => git('add', '-N', '--', step.name),
    rm: () => git('rm', '-q', '-r', '--cached', '--ignore-unmatch', '--', step.name),
    commit: () => commit(t, 'Step'),
    conflict: () => conflict(t, step.name),
    abort: () => git('merge', '--abort').catch(() => git('reset', '-q', '--merge')),
    stash: () => git('stash', 'push', '-q', '-u'),
    pop: () => git('stash', 'pop', '-q'),
    hide: () => git('update-index', '--assume-unchanged', step.name),
    sparse: () => git('sparse-checkout', 'set', '--no-cone', '/*', '!/src/deep'),
    whole: () => git('sparse-checkout', 'disable'),
    worktree: () => git('worktree', 'add', '-q', '--detach', path.join(tempDir('linked'), 'tree')),
    gc: () => git('gc', '-q', '--prune=now'),
  };
  await doings[step.do]?.().catch(() => '');
}

export function isAsk(step: Step): step is Ask {
  return 'back' in step;
}
