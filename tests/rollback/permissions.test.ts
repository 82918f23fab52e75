import { chmodSync, chownSync, lstatSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeRepo } from '../checkpoint/repo.ts';

test('permissions come back whatever the umasks of the rollback and of its undo', async () => {
  const own = process.umask();
  try {
    for (const [going, back] of [
      [0o077, 0o022],
      [0o022, 0o077],
      [0o002, 0o022],
    ] as const) {
      process.umask(0o022);
      const t = await makeRepo();
      await t.checkpoint();
      const modes = {
        'priv/k': 0o600,
        priv: 0o700,
        'open/o': 0o644,
        open: 0o755,
        'group/g': 0o664,
        run: 0o711,
        // Nobody else could take files out of these.
        ...(process.getuid?.() === 0 ? { 'shut/in/f': 0o444, 'shut/in': 0o500, shut: 0o555 } : {}),
      };
      for (const name of ['priv/k', 'open/o', 'group/g', 'run', 'shut/in/f']) t.write(name, `${name}\n`);
      for (const [name, mode] of Object.entries(modes)) chmodSync(path.join(t.dir, name), mode);
      process.umask(going);
      await t.rollBack();
      process.umask(back);
      await t.undo();
      for (const [name, mode] of Object.entries(modes))
        expect([name, lstatSync(path.join(t.dir, name)).mode & 0o777]).toEqual([name, mode]);
    }
  } finally {
    process.umask(own);
  }
});

test('a folder that stands where a file will be has permissions of its own; another repository at the same path too', async () => {
  const t = await makeRepo();
  t.write('s', 'file\n');
  chmodSync(path.join(t.dir, 's'), 0o666);
  await t.checkpoint();
  t.remove('s');
  t.write('s/in', 'in a folder\n');
  chmodSync(path.join(t.dir, 's'), 0o751);
  await t.rollBack();
  await t.undo();
  expect(lstatSync(path.join(t.dir, 's')).mode & 0o777).toBe(0o751);
  t.remove('.git');
  t.remove('s');
  await t.git('init', '-q');
  t.write('s', 'another\n');
  await t.checkpoint();
  t.remove('s');
  await t.rollBack();
  expect(lstatSync(path.join(t.dir, 's')).mode & 0o777).toBe(0o644);
});

test('a private file that was deleted after a rollback had changed it comes back private', async () => {
  const t = await makeRepo();
  t.write('key', 'one\n');
  chmodSync(path.join(t.dir, 'key'), 0o600);
  await t.checkpoint();
  t.write('key', 'two\n');
  await t.rollBack();
  t.remove('key');
  await t.undo();
  expect(t.read('key')).toBe('two\n');
  expect(statSync(path.join(t.dir, 'key')).mode & 0o777).toBe(0o600);
});

test('permissions that git does not know come back with undo, also of a file that a link replaced', async () => {
  const t = await makeRepo();
  symlinkSync('a.txt', path.join(t.dir, 'key'));
  const early = await t.checkpoint();
  t.remove('key');
  const modes = { key: 0o600, group: 0o664, program: 0o775, secret: 0o640 };
  for (const [name, mode] of Object.entries(modes)) {
    t.write(name, `${name}\n`);
    chmodSync(path.join(t.dir, name), mode);
  }
  // Shared with a group, which new files are to belong to.
  t.write('shared/one', 'one\n');
  chmodSync(path.join(t.dir, 'shared'), 0o2775);
  await t.rollBack({ target: early.tag });
  await t.undo();
  for (const [name, mode] of Object.entries({ ...modes, shared: 0o2775 }))
    expect([name, lstatSync(path.join(t.dir, name)).mode & 0o7777]).toEqual([name, mode]);
});

test('permissions of a private file stay when it is put back', async () => {
  const t = await makeRepo();
  t.write('key', 'one\n');
  chmodSync(path.join(t.dir, 'key'), 0o600);
  await t.checkpoint();
  t.write('key', 'two\n');
  await t.rollBack();
  expect(statSync(path.join(t.dir, 'key')).mode & 0o777).toBe(0o600);
});

// Only root may give files away.
test.skipIf(process.getuid?.() !== 0)(
  'a file of somebody else stays theirs when root puts it back',
  async () => {
    const t = await makeRepo();
    await t.checkpoint();
    t.write('a.txt', 'edited\n');
    const file = path.join(t.dir, 'a.txt');
    chownSync(file, 1234, 2345);
    const owner = () => [statSync(file).uid, statSync(file).gid];
    await t.rollBack();
    expect(owner()).toEqual([1234, 2345]);
    await t.undo();
    expect(owner()).toEqual([1234, 2345]);
  },
);
