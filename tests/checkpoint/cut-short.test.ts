import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { listCheckpoints } from '../../src/checkpoint/index.ts';
import { ownDir } from '../../src/git/index.ts';
import { act, type Acted } from '../torture/rig.ts';
import { tempDir } from '../support/temp.ts';
import { makeRepo, openTestRepo, withGitShim, type TestRepo } from './repo.ts';

// git moves the ref of a checkpoint and its tag one after the other, in an order of its own: whoever is killed in
// between leaves one of them. Here git does its work, and what it would not have come to is taken away again.

type Left = 'ref' | 'tag' | 'both' | 'neither';

const away: Readonly<Record<Left, string>> = {
  ref: 'drop "refs/tags/$name"',
  tag: 'drop "refs/devenv/checkpoints/$name"',
  both: '',
  neither: 'drop "refs/tags/$name"; drop "refs/devenv/checkpoints/$name"',
};

/** A checkpoint that is cut short when so much of it is left; `whom` is killed. */
async function cutShort(t: TestRepo, left: Left, whom: 'all' | 'git'): Promise<Acted> {
  const env = await withGitShim(
    t.env,
    `drop() { $git update-ref -d "$1"; }
case "$*" in *fast-import*)
  $git "$@"
  name=$($git for-each-ref --sort=-refname --count=1 --format='%(refname:lstrip=2)' refs/tags)
  ${away[left]}
  ${whom === 'all' ? 'kill -9 $PPID' : ''}
  exit 137 ;;
esac`,
  );
  return act(t, ['checkpoint'], env).ended;
}

async function namesOf(t: TestRepo): Promise<{ kept: string; tags: string }> {
  const format = '--format=%(refname:lstrip=-1) %(objectname)';
  return {
    kept: await t.git('for-each-ref', format, 'refs/devenv/checkpoints'),
    tags: await t.git('for-each-ref', format, 'refs/tags'),
  };
}

/** Both names of each checkpoint, and nothing to remember any more. */
async function expectSettled(t: TestRepo, count: number): Promise<void> {
  const { kept, tags } = await namesOf(t);
  expect(tags).toBe(kept);
  expect(kept.split('\n').filter(Boolean)).toHaveLength(count);
  expect(readdirSync(ownDir(t.repo))).toEqual([]);
}

async function edited(): Promise<{ t: TestRepo; first: string }> {
  const t = await makeRepo();
  t.write('a.txt', 'first\n');
  // Of another second than what is made now.
  const { tag } = await t.checkpoint({ now: Date.now() - 60_000 });
  t.write('a.txt', 'edited\n');
  return { t, first: tag };
}

describe('[invariant 25] killed between the ref of a checkpoint and its tag', () => {
  test.each<Left>(['ref', 'tag', 'both', 'neither'])(
    'with %s written, the next checkpoint makes it whole, or it never was',
    async (left) => {
      const { t } = await edited();
      expect((await cutShort(t, left, 'all')).killed).toBe(true);
      expect(await t.checkpoint()).toMatchObject({ created: left === 'neither' });
      await expectSettled(t, 2);
    },
  );

  test.each<Left>(['ref', 'tag'])('with the %s written, looking at them is enough', async (left) => {
    const { t } = await edited();
    await cutShort(t, left, 'all');
    expect(await listCheckpoints(t.repo)).toHaveLength(2);
    await expectSettled(t, 2);
  });

  test.each<Left>(['ref', 'tag'])('with the %s written in another work tree, too', async (left) => {
    const { t } = await edited();
    const dir = path.join(tempDir('linked'), 'tree');
    await t.git('worktree', 'add', '-q', '--detach', dir);
    const linked = await openTestRepo(dir, t.env);
    linked.write('a.txt', 'edited there\n');
    await cutShort(linked, left, 'all');
    expect(readdirSync(ownDir(linked.repo))).toHaveLength(1);
    expect(await listCheckpoints(t.repo)).toHaveLength(2);
    await expectSettled(linked, 2);
    await t.git('worktree', 'remove', '--force', dir);
  });

  test.each<Left>(['ref', 'tag'])('with the %s written, a rollback makes it whole', async (left) => {
    const { t, first } = await edited();
    await cutShort(t, left, 'all');
    await t.rollBack({ target: first });
    await expectSettled(t, 2);
  });

  test.each<Left>(['ref', 'tag'])(
    'only git killed, with the %s written: it is made whole at once',
    async (left) => {
      const { t } = await edited();
      const done = await cutShort(t, left, 'git');
      expect([done.code, done.stderr]).toEqual([0, '']);
      expect(done.said).toMatchObject({ created: true });
      await expectSettled(t, 2);
    },
  );

  test('only git killed, with neither written: it says so, and there is nothing to make whole', async () => {
    const { t } = await edited();
    const done = await cutShort(t, 'neither', 'git');
    expect([done.code, done.said]).toMatchObject([1, { error: 'environment' }]);
    await expectSettled(t, 1);
  });

  test.each<Left>(['ref', 'tag'])('the lock of the name that is missing stops nobody (%s)', async (left) => {
    const { t } = await edited();
    await cutShort(t, left, 'all');
    const { kept, tags } = await namesOf(t);
    const name = /checkpoint-\S+/.exec(
      left === 'ref' ? (kept.split('\n').at(-1) ?? '') : (tags.split('\n').at(-1) ?? ''),
    )?.[0];
    const lock = path.join(
      t.repo.commonDir,
      left === 'ref' ? 'refs/tags' : 'refs/devenv/checkpoints',
      `${name}.lock`,
    );
    mkdirSync(path.dirname(lock), { recursive: true });
    writeFileSync(lock, '');
    expect(await t.checkpoint()).toMatchObject({ tag: name, created: false });
    expect(existsSync(lock)).toBe(false);
    await expectSettled(t, 2);
  });

  test('a name whose lock was left behind is not taken again', async () => {
    const { t } = await edited();
    const now = Date.UTC(2030, 0, 2, 3, 4, 5);
    for (const dir of ['refs/devenv/checkpoints', 'refs/tags'])
      writeFileSync(path.join(t.repo.commonDir, dir, 'checkpoint-20300102-030405.lock'), '');
    expect((await t.checkpoint({ now })).tag).toBe('checkpoint-20300102-030405-2');
  });

  test('a tag that the user deleted, or made, is theirs', async () => {
    const { t, first } = await edited();
    await cutShort(t, 'ref', 'all');
    const name = (await namesOf(t)).kept
      .split('\n')
      .map((line) => line.split(' ')[0])
      .find((one) => one !== first);
    await t.git('tag', name ?? '', 'HEAD');
    await t.git('tag', '-d', first);
    expect(await t.checkpoint()).toMatchObject({ created: false });
    expect((await namesOf(t)).tags).toBe(`${name} ${await t.git('rev-parse', 'HEAD')}`);
  });
});
