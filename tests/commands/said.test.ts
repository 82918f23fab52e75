import { chownSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { bisect } from '../../src/commands/bisect.ts';
import { checkpoint } from '../../src/commands/checkpoint.ts';
import { diff } from '../../src/commands/diff.ts';
import { prune, toldApart } from '../../src/commands/prune.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { parseUnreadable } from '../../src/git/status.ts';
import { makeRepo, withGitShim } from '../checkpoint/repo.ts';
import { testContext } from './context.ts';

test('a message that is not kept, since nothing changed, is not dropped without a word', async () => {
  const t = await makeRepo({ files: { 'devenv.yaml': 'name: x\n' } });
  const ctx = testContext({ env: t.env, cwd: t.dir });
  await checkpoint(ctx, { message: 'first name', verify: false });
  const again = await checkpoint(ctx, { message: 'important name', verify: false });
  expect(again.text).toMatch(/^unchanged since .*; it keeps its own message, yours was not saved$/);
  expect(again.json).toMatchObject({ created: false });
  expect((await checkpoint(ctx, { message: 'first name', verify: false })).text).not.toContain('message');
  expect((await checkpoint(ctx, { verify: false })).text).not.toContain('message');
});

test('why a checkpoint is unverified though the tests passed', async () => {
  const t = await makeRepo({
    files: {
      'devenv.yaml': 'suites: { unit: { command: "true" } }\ncheckpoint: { max_file: 1kB }\n',
      'data.bin': 'small\n',
    },
  });
  t.write('data.bin', 'x'.repeat(5000));
  const ctx = testContext({ env: t.env, cwd: t.dir });
  const kept = await checkpoint(ctx, { verify: true });
  expect(kept.text).toMatch(
    /^kept as checkpoint-\S+ \(unverified: the tests passed, but data\.bin changed and is not in it\)$/,
  );
  expect(kept.json).toMatchObject({ verdict: 'unverified', created: true });
  expect((await checkpoint(ctx, { verify: false })).text).toMatch(
    /^unchanged since checkpoint-\S+ \(unverified: data\.bin changed and is not in it\)$/,
  );
});

test('prune gives each reason once', async () => {
  const t = await makeRepo({ files: { 'devenv.yaml': 'name: x\n', 'a.txt': '1\n' } });
  const ctx = testContext({ env: t.env, cwd: t.dir });
  await t.checkpoint();
  t.write('a.txt', '2\n');
  for (let i = 0; i < 2; i++) {
    await rollback(ctx, { tag: 'last', dryRun: false, yes: false });
    t.write('a.txt', `3 ${i}\n`);
  }
  const { text = '', json } = await prune(ctx, { dryRun: true });
  expect(text.match(/undo\/1 goes with it/g)).toHaveLength(1);
  for (const { reasons } of (json as { keep: { reasons: string[] }[] }).keep)
    expect(new Set(reasons).size).toBe(reasons.length);
});

test('two sizes that differ also differ when they are said', () => {
  const mb = 1024 ** 2;
  expect(toldApart(3.2 * mb, mb)).toEqual(['3 MB', '1 MB']);
  expect(toldApart(1.3 * mb, mb)).toEqual(['1.3 MB', '1.0 MB']);
  expect(toldApart(mb + 8, mb)).toEqual(['1048584 bytes', '1048576 bytes']);
});

test('bisect --commits asks for a commit, not for a checkpoint', async () => {
  const t = await makeRepo({ files: { 'devenv.yaml': 'suites: { unit: { command: "true" } }\n' } });
  const ctx = testContext({ env: t.env, cwd: t.dir });
  const input = { commits: true, fresh: false, reset: false, good: 'nosuch' };
  await expect(bisect(ctx, input)).rejects.toMatchObject({
    code: 'unknown-tag',
    message: 'there is no commit nosuch',
    hint: expect.stringContaining('branch'),
  });
});

test('a folder that git could not read is named', async () => {
  expect(
    parseUnreadable(
      "warning: could not open directory 'lockd/': Permission denied\nwarning: could not open directory 'b c/d/': Permission denied\n",
    ),
  ).toEqual(['lockd', 'b c/d']);
  const t = await makeRepo({ files: { 'devenv.yaml': 'name: x\n', 'a.txt': '1\n' } });
  // Root may read everything, so git is made to say it.
  const env = await withGitShim(
    t.env,
    `case " $* " in *" status "*) echo "warning: could not open directory 'lockd/': Permission denied" >&2;; esac`,
  );
  const ctx = testContext({ env, cwd: t.dir });
  t.write('a.txt', '2\n');
  const { json } = await checkpoint(ctx, { verify: false });
  expect(json).toMatchObject({ skipped: [{ path: 'lockd', reason: 'this folder cannot be read' }] });
  expect(ctx.notes).toEqual(['not saved: lockd (this folder cannot be read)']);
});

test('a repository of somebody else is told as such, with the command that lets git use it', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('only root can give a folder away');
  const t = await makeRepo();
  chownSync(t.dir, 12_345, 12_345);
  await expect(checkpoint(testContext({ env: t.env, cwd: t.dir }), { verify: false })).rejects.toMatchObject({
    message: `git does not trust the repository at ${t.dir}: it belongs to another user`,
    hint: `git config --global --add safe.directory ${t.dir}`,
  });
});

test('inside of .git it is not called a bare repository', async () => {
  const t = await makeRepo();
  const cwd = path.join(t.dir, '.git');
  await expect(diff(testContext({ env: t.env, cwd }), {})).rejects.toMatchObject({
    code: 'no-repo',
    message: `${cwd} is inside of a .git folder: there are no files to save`,
  });
});
