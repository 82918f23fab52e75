import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { makeRepo } from '../checkpoint/repo.ts';
import { startWatching, type Watching } from './support.ts';

// An edit that is not to blame for a failure stays where it is.

const soon = { everyMs: 300, quietMs: 100 };
const tagged = (w: Watching) => until('a tag', () => w.decisions().includes('tagged'));
const kept = (w: Watching): number => w.decisions().filter((kind) => kind === 'kept').length;
const read = (w: Watching, file: string): string => readFileSync(path.join(w.t.root, file), 'utf8');

async function expectKept(w: Watching, why: RegExp): Promise<void> {
  for (const text of ['innocent\n', 'innocent again\n']) {
    const before = kept(w);
    w.t.write('b.txt', text);
    await until('it is kept', () => kept(w) > before);
    expect(read(w, 'b.txt')).toBe(text);
    expect(w.view().why).toMatch(why);
  }
  expect(w.decisions()).not.toContain('reset');
  expect(w.told).toEqual([]);
}

test('[invariant 33] what git ignores makes the tests fail: no edit is put away for it', async () => {
  await using w = await startWatching({
    files: { 'code.txt': 'good\n', '.gitignore': 'stale.out\n' },
    suites: [{ name: 'unit', command: 'test ! -e stale.out' }],
    checkpoint: soon,
  });
  await tagged(w);
  w.t.write('stale.out', '');
  await expectKept(w, /where nothing is that git ignores: not this edit$/);
});

test('in a scratch work tree such a tree passes, and is not called flaky', async () => {
  await using w = await startWatching({
    files: { 'code.txt': 'good\n', '.gitignore': 'stale.out\n' },
    suites: [{ name: 'unit', command: 'test ! -e stale.out' }],
    checkpoint: { ...soon, verifyIn: 'worktree' },
  });
  await tagged(w);
  w.t.write('stale.out', '');
  w.t.write('code.txt', 'innocent\n');
  await until('a second tag', () => w.decisions().filter((kind) => kind === 'tagged').length === 2);
  expect(w.view().why).not.toContain('flaky');
});

test('[invariant 18] [invariant 33] a submodule that makes the tests fail is named, with the way back, and nothing else goes', async () => {
  const inner = await makeRepo({ files: { 's.txt': 'good\n' } });
  await using w = await startWatching({
    suites: [{ name: 'unit', command: 'grep -q good sub/s.txt' }],
    checkpoint: soon,
    prepare: async (t) => {
      t.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.dir, 'sub');
      t.git('commit', '-q', '-m', 'Sub');
    },
  });
  await tagged(w);
  const then = w.t.git('-C', 'sub', 'rev-parse', 'HEAD');
  inner.write('s.txt', 'bad\n');
  await inner.git('commit', '-qam', 'Bad');
  w.t.git('-C', 'sub', '-c', 'protocol.file.allow=always', 'pull', '-q');
  await expectKept(
    w,
    new RegExp(`the submodule sub differs from checkpoint-.*: git -C sub checkout ${then.slice(0, 12)}`),
  );
  expect(w.t.git('-C', 'sub', 'rev-parse', 'HEAD')).not.toBe(then);
});
