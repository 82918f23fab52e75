import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { repoState } from '../../src/git/index.ts';
import { ChangedMeanwhile } from '../../src/rollback/apply.ts';
import { carryOut } from '../../src/rollback/carry-out.ts';
import { prepare, type PutBackInput, type Ready } from '../../src/rollback/prepare.ts';
import { headTarget } from '../../src/rollback/head.ts';
import { readSaved } from '../../src/checkpoint/index.ts';
import { filesOf, makeRepo, stagedState, visibleState, type TestRepo } from '../checkpoint/repo.ts';

/** Two branches that change the same line; `main` is checked out. */
async function divided(): Promise<TestRepo> {
  const t = await makeRepo({ files: { 'a.txt': 'start\n' } });
  await t.git('switch', '-q', '-c', 'other');
  t.write('a.txt', 'theirs\n');
  await t.git('commit', '-qam', 'Theirs');
  await t.git('switch', '-q', 'main');
  t.write('a.txt', 'ours\n');
  await t.git('commit', '-qam', 'Ours');
  await t.checkpoint({ verdict: 'passed' });
  return t;
}

const may = (work: Promise<unknown>): Promise<unknown> => work.catch(() => '');

/** Each way to be in the middle of something, and the command that leads out of it. */
const states: Readonly<
  Record<string, { begin: (t: TestRepo) => Promise<unknown>; says: string; out: string }>
> = {
  merge: {
    begin: (t) => may(t.git('merge', '-q', 'other')),
    says: 'a merge is in progress',
    out: 'git merge --abort',
  },
  rebase: {
    begin: (t) => may(t.git('rebase', '-q', 'other')),
    says: 'a rebase is in progress',
    out: 'git rebase --abort',
  },
  'rebase by apply': {
    begin: (t) => may(t.git('rebase', '-q', '--apply', 'other')),
    says: 'a rebase is in progress',
    out: 'git rebase --abort',
  },
  am: {
    begin: async (t) => {
      const patch = await t.git('format-patch', '-1', '--stdout', 'other');
      const file = path.join(t.repo.gitDir, 'patch');
      writeFileSync(file, `${patch}\n`);
      await may(t.git('am', '-q', file));
    },
    says: 'a git am is in progress',
    out: 'git am --abort',
  },
  'cherry-pick': {
    begin: (t) => may(t.git('cherry-pick', 'other')),
    says: 'a cherry-pick is in progress',
    out: 'git cherry-pick --abort',
  },
  revert: {
    begin: async (t) => {
      t.write('a.txt', 'more\n');
      await t.git('commit', '-qam', 'More');
      await may(t.git('revert', 'HEAD~1'));
    },
    says: 'a revert is in progress',
    out: 'git revert --abort',
  },
  bisect: {
    begin: (t) => t.git('bisect', 'start', '-q'),
    says: 'a bisect is in progress',
    out: 'git bisect reset',
  },
  'unmerged without a merge': {
    begin: async (t) => {
      t.write('a.txt', 'stashed\n');
      await t.git('stash', '-q');
      t.write('a.txt', 'meanwhile\n');
      await t.git('commit', '-qam', 'Meanwhile');
      await may(t.git('stash', 'pop', '-q'));
    },
    says: 'files are unmerged',
    out: 'git checkout HEAD -- FILE',
  },
};

describe('[invariant 14] in the middle of something, nothing is put back, and the way out is said', () => {
  for (const [name, { begin, says, out }] of Object.entries(states))
    test(name, async () => {
      const t = await divided();
      // Something to undo and to redo.
      for (const text of ['edited\n', 'edited again\n']) {
        t.write('a.txt', text);
        await t.rollBack();
      }
      await t.undo();
      await t.git('checkout', '-q', '--', '.');
      await begin(t);
      const before = await visibleState(t);
      const refused = {
        code: 'refused',
        message: expect.stringContaining(says),
        hint: expect.stringContaining(out),
      };
      for (const act of [
        () => t.rollBack({ target: 'last' }),
        () => t.rollBack({ target: 'last', dryRun: true }),
        () => t.rollBack({ target: 'last', reason: 'checkpointer' }),
        () => t.undo(),
        () => t.redo(),
      ])
        await expect(act()).rejects.toMatchObject(refused);
      expect(await visibleState(t)).toEqual(before);
      // The way out leads out.
      if (out.startsWith('git ') && !out.includes('FILE')) await t.git(...out.split(' ').slice(1));
      else await t.git('checkout', 'HEAD', '--', 'a.txt');
      expect(repoState(t.repo)).toBe('clean');
      await t.undo().catch((error: unknown) => expect(error).toMatchObject({ code: 'unknown-tag' }));
    });
});

/** Prepares a rollback to the newest checkpoint, lets somebody act, and carries it out. */
async function between(t: TestRepo, act: () => Promise<unknown>, head = false): Promise<unknown> {
  const [, commit = ''] =
    (await t.git('for-each-ref', '--format=%(refname) %(objectname)', 'refs/devenv/checkpoints'))
      .split('\n')
      .at(-1)
      ?.split(' ') ?? [];
  const saved = await readSaved(t.repo, commit);
  const input: PutBackInput = {
    saved,
    kind: 'rollback',
    target: 'it',
    reason: 'user',
    moveTo: head ? headTarget(saved) : undefined,
    now: Date.now(),
    dryRun: false,
    yes: true,
  };
  const ready: Ready = await prepare(t.repo, input);
  await act();
  return carryOut(t.repo, input, ready).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('[invariant 30] what the user does in the middle of a rollback stops it, and nothing of it is left', () => {
  async function ready(): Promise<TestRepo> {
    const t = await makeRepo();
    t.write('a.txt', 'staged then\n');
    await t.git('add', 'a.txt');
    await t.checkpoint();
    t.write('a.txt', 'staged now\n');
    await t.git('add', 'a.txt');
    t.write('a.txt', 'now\n');
    t.write('src/b.txt', 'now\n');
    t.write('new.txt', 'new\n');
    return t;
  }
  const exact = async (t: TestRepo): Promise<unknown> => ({
    files: filesOf(t.dir),
    staged: await stagedState(t),
    head: await t.git('rev-parse', 'HEAD', 'main'),
  });
  const acts: Readonly<Record<string, (t: TestRepo) => Promise<unknown>>> = {
    'a commit': (t) => t.git('commit', '-qm', 'Mine'),
    'a new branch': (t) => t.git('switch', '-q', '-c', 'elsewhere'),
    'something staged': (t) => t.git('add', 'a.txt'),
    'an edit': async (t) => t.write('src/b.txt', 'edited since\n'),
    'a stash': (t) => t.git('stash', '-q', '-u'),
    'a lock that stays': async (t) => writeFileSync(path.join(t.repo.gitDir, 'index.lock'), ''),
  };
  test('[invariant 5] a new file that neither state has stays', async () => {
    const t = await ready();
    expect(await between(t, async () => t.write('later/new.txt', 'mine\n'))).toBeUndefined();
    expect([t.read('later/new.txt'), t.read('src/b.txt')]).toEqual(['mine\n', 'b\n']);
  });
  for (const head of [false, true])
    for (const [name, act] of Object.entries(acts))
      test(`${name}${head ? ', with --head' : ''}`, async () => {
        const t = await ready();
        if (head) await t.git('commit', '-q', '--allow-empty', '-m', 'Later');
        if (head && name === 'a commit') t.write('c.txt', 'c\n');
        if (head) await t.git('add', '-A');
        if (head && name === 'something staged') t.write('a.txt', 'newer\n');
        let after: unknown;
        const error = await between(
          t,
          async () => {
            await act(t);
            after = await exact(t);
          },
          head,
        );
        t.remove('.git/index.lock');
        expect(error).toBeInstanceOf(Error);
        if (name === 'an edit') expect(error).toBeInstanceOf(ChangedMeanwhile);
        expect(await exact(t)).toEqual(after);
        await expect(t.undo()).rejects.toMatchObject({ code: 'unknown-tag' });
      });
});
