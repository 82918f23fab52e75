import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { scratchWorktree } from '../../src/git/index.ts';
import { filesOf, gitIn, makeRepo, type TestRepo } from '../checkpoint/repo.ts';

/** Two commits that differ in every way; the second has what is ignored in the first. */
async function twoCommits(): Promise<{ t: TestRepo; first: string; second: string }> {
  const t = await makeRepo({
    files: {
      '.gitignore': 'shared\n*.log\n',
      'a.txt': 'a\n',
      'dir/b.txt': 'b\n',
      swap: 'a file\n',
      'naïve name.txt': 'n\n',
    },
  });
  const first = await t.git('rev-parse', 'HEAD');
  t.remove('swap');
  t.remove('dir');
  for (const file of ['swap/inside', 'shared/tracked.txt', 'new.log']) t.write(file, `${file}\n`);
  t.write('a.txt', 'other\n');
  symlinkSync('a.txt', path.join(t.dir, 'link'));
  await t.git('add', '-Af');
  await t.git('commit', '-qm', 'Second');
  const second = await t.git('rev-parse', 'HEAD');
  await t.git('checkout', '-q', first);
  return { t, first, second };
}

test('moved to another commit it is as a new one, whatever was done in it', async () => {
  const { t, first, second } = await twoCommits();
  const fresh = async (commit: string): Promise<Record<string, string>> => {
    await using one = await scratchWorktree(t.repo, commit, { link: [] });
    return filesOf(one.path);
  };
  await using scratch = await scratchWorktree(t.repo, first, { link: [] });
  const inside = gitIn(scratch.path, t.env);
  for (const commit of [second, first, second]) {
    for (const file of ['ünt.txt', 'x.log', 'out/deep/file', 'a.txt', 'a name with \u{1F600}']) {
      mkdirSync(path.dirname(path.join(scratch.path, file)), { recursive: true });
      writeFileSync(path.join(scratch.path, file), 'litter\n');
    }
    writeFileSync(Buffer.concat([Buffer.from(`${scratch.path}/`), Buffer.from([0xff, 0xfe])]), 'not UTF-8');
    rmSync(path.join(scratch.path, 'naïve name.txt'));
    await inside('init', '-q', 'nested');
    await inside('add', 'x.log', '-f');
    await scratch.moveTo(commit);
    expect(filesOf(scratch.path)).toEqual(await fresh(commit));
    expect(existsSync(path.join(scratch.path, 'nested'))).toBe(false);
    expect(await inside('rev-parse', 'HEAD')).toBe(commit);
  }
});

test('nothing is written or deleted through what is linked in', async () => {
  const { t, first, second } = await twoCommits();
  t.write('shared/tracked.txt', 'of the user\n');
  t.write('shared/own.txt', 'of the user\n');
  await using scratch = await scratchWorktree(t.repo, first, { link: ['shared'] });
  expect(readFileSync(path.join(scratch.path, 'shared/own.txt'), 'utf8')).toBe('of the user\n');
  await scratch.moveTo(second);
  expect(readFileSync(path.join(scratch.path, 'shared/tracked.txt'), 'utf8')).toBe('shared/tracked.txt\n');
  await scratch.moveTo(first);
  expect(readFileSync(path.join(scratch.path, 'shared/own.txt'), 'utf8')).toBe('of the user\n');
  expect([t.read('shared/tracked.txt'), t.read('shared/own.txt')]).toEqual([
    'of the user\n',
    'of the user\n',
  ]);
});

test('without its link to the repository it cleans nothing above it', async () => {
  const { t, first, second } = await twoCommits();
  // A home directory that is a repository, as for dotfiles: the scratch work tree lies in it.
  const home = t.env['HOME'] ?? '';
  await gitIn(home, t.env)('init', '-q');
  writeFileSync(path.join(home, 'precious.txt'), 'of the user\n');
  await using scratch = await scratchWorktree(t.repo, first, { link: [] });
  rmSync(path.join(scratch.path, '.git'));
  await scratch.moveTo(second);
  expect(readFileSync(path.join(home, 'precious.txt'), 'utf8')).toBe('of the user\n');
  expect(readFileSync(path.join(scratch.path, 'a.txt'), 'utf8')).toBe('other\n');
});
