import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { createCheckpoint, listCheckpoints, snapshot } from '../../src/checkpoint/index.ts';
import { tempDir } from '../support/temp.ts';
import { expectSound, makeShim } from '../torture/rig.ts';
import { filesOf, gitIn, makeRepo, openTestRepo, visibleState, type TestRepo } from './repo.ts';
import { program } from '../support/programs.ts';

const actScript = program('act');
const isRoot = process.getuid?.() === 0;
const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

function mount(dir: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', dir]).status === 0;
}

function mayMount(): boolean {
  const dir = tempDir('mount');
  return mount(dir) && spawnSync('umount', [dir]).status === 0;
}

interface Said {
  readonly code: number | null;
  readonly stderr: string;
  readonly said: Readonly<Record<string, unknown>>;
}

/** A checkpoint (or another act) in a process of its own, started by another program. */
async function actUnder(t: TestRepo, under: readonly string[], ...args: string[]): Promise<Said> {
  const result = await run([...under, process.execPath, actScript, t.dir, ...args], { env: t.env });
  const last = result.stdout.trim().split('\n').at(-1) ?? '';
  return {
    code: result.code,
    stderr: result.stderr,
    said: last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : {},
  };
}

async function expectAsBefore(t: TestRepo, before: readonly unknown[]): Promise<void> {
  expect(await listCheckpoints(t.repo)).toEqual(before);
  await expectSound(t);
}

describe('when the machine fails', () => {
  test.skipIf(!mayMount())(
    '[invariant 24] a full disk: no ref, earlier checkpoints as they were, and it says so',
    async () => {
      const disk = tempDir('disk');
      mount(disk);
      try {
        const from = await makeRepo();
        execFileSync('cp', ['-a', from.dir, path.join(disk, 'repo')]);
        const t = await openTestRepo(path.join(disk, 'repo'), from.env);
        t.write('a.txt', 'saved\n');
        const { tag } = await t.checkpoint();
        const before = await listCheckpoints(t.repo);
        // As good as random, so that it does not shrink.
        const noise = Buffer.from(Array.from({ length: 400_000 }, (_, n) => (n * n * 31) % 251));
        for (let n = 0; n < 3; n++) t.write(`big${n}`, Buffer.concat([noise, Buffer.from([n])]));
        writeFileSync(path.join(disk, 'filler'), '');
        for (let size = 64 * 1024; size > 512; size /= 2)
          spawnSync('sh', ['-c', `while head -c ${size} /dev/zero; do :; done >>'${disk}/filler' 2>&-`]);
        await expect(t.checkpoint()).rejects.toMatchObject({ code: 'disk-full' });
        await expectAsBefore(t, before);
        const files = filesOf(t.dir);
        await expect(t.rollBack({ target: tag, yes: true })).rejects.toMatchObject({ code: 'disk-full' });
        expect(filesOf(t.dir)).toEqual(files);
        execFileSync('rm', [path.join(disk, 'filler')]);
        expect(await t.checkpoint()).toMatchObject({ created: true });
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );

  test.skipIf(!isRoot || !has('setpriv'))(
    '[invariant 24] a .git that may not be written: no ref, and it says so',
    async () => {
      const t = await makeRepo();
      t.write('a.txt', 'saved\n');
      await t.checkpoint();
      const before = await listCheckpoints(t.repo);
      t.write('a.txt', 'new\n');
      execFileSync('chmod', ['-R', 'a+rX', t.dir]);
      execFileSync('chmod', ['a+x', path.dirname(t.dir), path.dirname(path.dirname(t.dir))]);
      await t.git('config', '--global', 'safe.directory', '*');
      execFileSync('chmod', ['-R', 'a+rwX', t.env['HOME'] ?? '']);
      const done = await actUnder(
        t,
        ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
        'checkpoint',
      );
      expect([done.code, done.stderr]).toEqual([1, '']);
      expect(done.said).toMatchObject({
        error: 'environment',
        message: expect.stringMatching(/may not write/),
      });
      await expectAsBefore(t, before);
    },
  );

  test('[invariant 24] no file may be opened, or be long: no ref, and the next one works', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'saved\n');
    await t.checkpoint();
    const before = await listCheckpoints(t.repo);
    t.write('a.txt', 'new\n'.repeat(100_000));
    for (const limit of ['ulimit -n 4', 'ulimit -f 0', 'ulimit -n 19'] as const) {
      const done = await actUnder(t, ['sh', '-c', `${limit}; exec "$@"`, 'sh'], 'checkpoint');
      if (done.code === 0) continue; // it was enough
      await expectAsBefore(t, before);
    }
    expect(await t.checkpoint()).toMatchObject({ created: true });
  });

  test.skipIf(!has('strace') || spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0)(
    '[invariant 24] a disk that fails at the n-th call: the old state or the new one, never a ref to nothing',
    async () => {
      const t = await makeRepo();
      const codes = new Set<unknown>();
      for (const [call, error] of [
        ['fsync', 'EIO'],
        ['rename', 'EIO'],
        ['link', 'ENOSPC'],
        ['pwrite64', 'ENOSPC'],
      ] as const)
        for (const when of [1, 2, 3]) {
          t.write('a.txt', `${call} ${when}\n`);
          const before = await listCheckpoints(t.repo);
          const strace = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`];
          const fault = ['-e', `inject=${call}:error=${error}:when=${when}`];
          const done = await actUnder(t, [...strace, ...fault], 'checkpoint');
          codes.add(done.code);
          expect([call, when, done.code === 0 || 'error' in done.said, done.stderr]).toEqual([
            call,
            when,
            true,
            '',
          ]);
          const after = await listCheckpoints(t.repo);
          // It may be there though a later step, such as its tag, failed; then it is whole.
          const more = after.length - before.length;
          expect([after.slice(more), more === 1 || (more === 0 && done.code !== 0)]).toEqual([before, true]);
          const { tree } = await snapshot(t.repo, { now: Date.now() });
          if (more === 1) expect(after[0]?.tree).toBe(tree);
          await expectSound(t);
          expect(await t.git('for-each-ref', '--format=%(objecttype)', 'refs/devenv')).not.toMatch(/missing/);
        }
      expect(codes).toEqual(new Set([0, 1]));
      expect(await t.checkpoint()).toMatchObject({
        tree: (await snapshot(t.repo, { now: Date.now() })).tree,
      });
      await expectSound(t);
    },
  );
});

describe('what a checkpoint costs', () => {
  test('[invariant 37] two processes of git, one when nothing changed', async () => {
    const t = await makeRepo();
    const shim = await makeShim(t);
    const calls = async (): Promise<number> => {
      const env = { ...t.env, ...shim.env() };
      expect((await run([process.execPath, actScript, t.dir, 'checkpoint'], { env })).code).toBe(0);
      return shim.calls();
    };
    t.write('a.txt', 'first\n');
    await calls();
    t.write('a.txt', 'edited\n');
    t.write('new.txt', 'new\n');
    expect(await calls()).toBe(2);
    expect(await calls()).toBe(1);
    expect(await calls()).toBe(1);
  });

  test('[invariant 37] nothing is written for what did not change', async () => {
    const t = await makeRepo();
    for (let n = 0; n < 300; n++) t.write(`many/${n}`, `${n}\n`);
    await t.git('add', '-A');
    await t.git('commit', '-qm', 'Many');
    const objects = async (): Promise<number> =>
      Number(/^count: (\d+)/m.exec(await t.git('count-objects', '-v'))?.[1]);
    const before = await objects();
    t.write('many/7', 'edited\n');
    await t.checkpoint();
    // One blob, the two trees above it, the commit and its index.
    expect((await objects()) - before).toBeLessThanOrEqual(5);
  });
});

describe('what is no project', () => {
  test('[invariant 23] a home directory and the whole disk are refused, by whatever name', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'new\n');
    const link = path.join(tempDir('link'), 'home');
    execFileSync('ln', ['-s', t.dir, link]);
    for (const HOME of [t.dir, `${t.dir}/`, link]) {
      const home = await openTestRepo(t.dir, { ...t.env, HOME });
      await expect(home.checkpoint()).rejects.toMatchObject({ code: 'refused' });
      await expect(home.rollBack()).rejects.toBeInstanceOf(Error);
    }
    const input = { verdict: 'unverified', reason: 'user', tags: 'all', now: Date.now() } as const;
    await expect(createCheckpoint({ ...t.repo, root: '/' }, input)).rejects.toMatchObject({
      code: 'refused',
    });
    expect(await t.git('for-each-ref', 'refs/devenv')).toBe('');
  });

  test('[invariant 8] core.safecrlf=true and autocrlf stop nothing and change no byte', async () => {
    for (const autocrlf of ['true', 'input', 'false']) {
      const t = await makeRepo();
      await t.git('config', 'core.autocrlf', autocrlf);
      await t.git('config', 'core.safecrlf', 'true');
      const mixed = 'dos\r\nunix\nlone\rend\r\n';
      t.write('a.txt', mixed);
      t.write('new.txt', mixed);
      const before = filesOf(t.dir);
      const { tag } = await t.checkpoint();
      expect(execFileSync('git', ['cat-file', 'blob', `${tag}:new.txt`], { cwd: t.dir }).toString()).toBe(
        mixed,
      );
      t.write('a.txt', 'other\n');
      t.remove('new.txt');
      await t.rollBack({ target: tag });
      expect(filesOf(t.dir)).toEqual(before);
    }
  });

  test('[invariant 1] [invariant 9] [invariant 10] nothing is touched, run or asked by a rollback and its undo either', async () => {
    const t = await makeRepo();
    const ran = tempDir('hooks');
    mkdirSync(path.join(t.dir, '.git/hooks'), { recursive: true });
    for (const hook of ['reference-transaction', 'post-index-change', 'post-checkout', 'pre-commit'])
      writeFileSync(
        path.join(t.dir, '.git/hooks', hook),
        `#!/bin/sh\n[ -z "$DEVENV_TEST_USER" ] && touch '${ran}/${hook}'\nexit 0\n`,
        { mode: 0o755 },
      );
    await t.git('config', 'commit.gpgSign', 'true');
    await t.git('config', 'gpg.program', '/bin/false');
    t.write('a.txt', 'then\n');
    const { tag } = await t.checkpoint();
    t.write('a.txt', 'now\n');
    t.write('later.txt', 'later\n');
    const git = gitIn(t.dir, { ...t.env, DEVENV_TEST_USER: '1' });
    const seen = async (): Promise<unknown> => {
      const { refs, git: own } = await visibleState({ ...t, git });
      return { refs, git: own };
    };
    const before = await seen();
    await t.rollBack({ target: tag });
    expect(await seen()).toEqual(before);
    await t.undo();
    expect([await seen(), readdirSync(ran)]).toEqual([before, []]);
  });
});
