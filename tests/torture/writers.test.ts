import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { readBlobs } from '../../src/git/index.ts';
import { filesOf, makeRepo, openTestRepo, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';
import { block, readBlocks } from './blocks.ts';
import { dice } from './dice.ts';
import { act, expectSound, litterIn, rounds, tortureSeed, tortureTimeoutMs } from './rig.ts';

const writerScript = path.join(import.meta.dirname, 'fixtures/writer.ts');
const userScript = path.join(import.meta.dirname, 'fixtures/git-user.sh');

const started = new Set<ChildProcess>();
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  started.clear();
});

async function busyRepo(): Promise<TestRepo> {
  const files: Record<string, string> = { '.gitignore': '*.log\n' };
  for (let n = 0; n < 800; n++) files[`d${n % 20}/f${n}.txt`] = block(`start-${n}`, 100 + (n % 50) * 40);
  return makeRepo({ files });
}

/** A process at work until it is told to stop; what it said last. */
interface Worker {
  readonly stop: () => Promise<string>;
}

async function startWorker(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Worker> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: 'pipe' });
  started.add(child);
  let out = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      resolve();
    });
    void ended.then(() => resolve());
  });
  return {
    stop: async () => {
      child.stdin.end();
      expect([await ended, stderr]).toEqual([0, '']);
      return out.trim().split('\n').at(-1) ?? '';
    },
  };
}

function startWriters(t: TestRepo, count: number): Promise<Worker[]> {
  const argv = (n: number): string[] => [writerScript, t.dir, `${n}`, `${count}`, `${tortureSeed * 10 + n}`];
  return Promise.all(
    Array.from({ length: count }, (_, n) => startWorker([process.execPath, ...argv(n)], t.env)),
  );
}

interface Left {
  readonly steps: number;
  readonly lost: readonly string[];
}

async function stopWriters(writers: readonly Worker[]): Promise<Left> {
  const said = await Promise.all(writers.map(async (writer) => JSON.parse(await writer.stop()) as Left));
  return {
    steps: said.reduce((sum, one) => sum + one.steps, 0),
    lost: said.flatMap((one) => one.lost),
  };
}

/** Which files of these commits are not whole; and all tokens in them. Each blob is looked at once. */
async function readTrees(
  t: TestRepo,
  commits: readonly string[],
): Promise<{ torn: string[]; tokens: ReadonlySet<string> }> {
  const paths = new Map<string, string>();
  for (const commit of commits)
    for (const [, oid = '', file = ''] of (await t.git('ls-tree', '-r', commit)).matchAll(
      /^\d+ blob ([0-9a-f]+)\t(d\d.*)$/gm,
    ))
      paths.set(oid, file);
  const oids = [...paths.keys()];
  const torn: string[] = [];
  const tokens = new Set<string>();
  await readBlobs(t.repo, oids, (content, i) => {
    const found = readBlocks(content.toString('latin1'));
    if (found.torn) torn.push(`${paths.get(oids[i] ?? '')}: ${found.torn}`);
    for (const token of found.tokens) tokens.add(token);
  });
  return { torn, tokens };
}

test(
  '[invariant 31] three writers at full speed: every snapshot succeeds and holds no file as it never was',
  async () => {
    const t = await busyRepo();
    const writers = await startWriters(t, 3);
    const made: string[] = [];
    const partial: string[] = [];
    for (const n of rounds(8)) {
      const one = await t.checkpoint({ tags: 'none' });
      expect([n, one.created]).toEqual([n, true]);
      made.push(one.commit);
      partial.push(...one.skipped.map((skip) => `${skip.path}: ${skip.reason}`));
    }
    const { steps } = await stopWriters(writers);
    const { torn } = await readTrees(t, made);
    expect([steps > 1000, made.length >= 8, partial, torn]).toEqual([true, true, [], []]);
    await expectSound(t);
  },
  tortureTimeoutMs,
);

test(
  '[invariant 31] rollbacks among three writers: each works or is refused, and what was written is on the disk or kept',
  async () => {
    const t = await busyRepo();
    const { tag } = await t.checkpoint({ tags: 'none' });
    const d = dice(tortureSeed);
    const outcomes: string[] = [];
    for (const _ of rounds(1)) {
      const writers = await startWriters(t, 3);
      for (let n = 0; n < 3; n++) {
        const done = await act(t, d.roll(3) === 0 ? ['undo'] : ['rollback', tag]).ended;
        outcomes.push(typeof done.said['error'] === 'string' ? done.said['error'] : 'done');
        expect([done.code === 0 || typeof done.said['error'] === 'string', done.stderr]).toEqual([true, '']);
      }
      const { lost } = await stopWriters(writers);
      const refs = await t.git('for-each-ref', '--format=%(refname)', 'refs/devenv');
      const kept = new Set((await readTrees(t, refs.split('\n'))).tokens);
      for (const file of Object.keys(filesOf(t.dir)).filter((name) => name.includes('.devenv-kept-')))
        for (const token of readBlocks(readFileSync(path.join(t.dir, file), 'latin1')).tokens)
          kept.add(token);
      expect(lost.filter((token) => !kept.has(token))).toEqual([]);
      expect(litterIn(t.repo.gitDir)).toEqual([]);
    }
    expect(new Set(outcomes)).not.toContain('internal');
    await expectSound(t);
  },
  tortureTimeoutMs,
);

test(
  '[invariant 29] [invariant 30] somebody commits, stashes, merges, rebases and collects garbage while two devenvs save: nobody fails',
  async () => {
    const t = await busyRepo();
    const other = await openTestRepo(t.dir, { ...t.env, XDG_STATE_HOME: tempDir('state') });
    const stop = path.join(tempDir('stop'), 'now');
    const user = run(['sh', userScript, t.dir, stop], { env: t.env });
    let ended = false;
    void user.then(() => (ended = true));
    const made = new Map<string, string>();
    const save = async (repo: TestRepo, n: number): Promise<void> => {
      repo.write(`mine/${n % 5}.log`, `ignored ${n}\n`);
      const one = await repo.checkpoint();
      if (one.created) {
        // The same tree, HEAD and second make the very same commit: then it is both's.
        expect([one.commit, undefined]).toContain(made.get(one.tag));
        made.set(one.tag, one.commit);
      }
    };
    for (const n of rounds(8)) {
      await Promise.all([save(t, n), save(other, n)]);
      if (ended) break;
    }
    writeFileSync(stop, '');
    const { code, stdout, stderr } = await user;
    expect([code, stderr]).toEqual([0, '']);
    expect(Number(stdout.trim().split('\n').at(-1))).toBeGreaterThan(0);
    for (const [tag, commit] of made) expect(await t.git('rev-parse', tag)).toBe(commit);
    expect(litterIn(t.repo.gitDir)).toEqual([]);
    await expectSound(t);
  },
  tortureTimeoutMs,
);
