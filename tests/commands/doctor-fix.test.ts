import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import {
  checkpointNames,
  lastGood,
  listCheckpoints,
  prune,
  type Created,
} from '../../src/checkpoint/index.ts';
import { doctor } from '../../src/commands/doctor.ts';
import type { Finding } from '../../src/commands/doctor/check.ts';
import { findLeaks } from '../../src/commands/doctor/pushes.ts';
import { gitIn, makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { keepDefaults } from '../support/keep.ts';
import { tempDir } from '../support/temp.ts';
import { testContext } from './context.ts';

async function examine(t: TestRepo, fix = false) {
  const env = { ...t.env, DEVENV_TMUX_SOCKET: 'devenv-test-none', EDITOR: 'sh' };
  const { json } = await doctor(testContext({ cwd: t.dir, env }), { fix });
  const { checks }: { checks: readonly Finding[] } = JSON.parse(JSON.stringify(json));
  return (name: string): Finding => {
    const found = checks.filter((check) => check.name === name);
    return (
      found.find(({ ok }) => !ok) ?? found[0] ?? { name, ok: false, level: 'error', message: '', remedy: '' }
    );
  };
}

/** A clone's `git fetch` and the repository's own `git gc`: do they work? */
async function gitWorks(t: TestRepo): Promise<{ fetch: boolean; gc: boolean }> {
  const remote = path.join(tempDir('remote'), 'r.git');
  await t.git('clone', '-q', '--bare', t.dir, remote).catch(() => t.git('init', '-q', '--bare', remote));
  const other = path.join(tempDir('other'), 'o');
  await gitIn('/', t.env)('init', '-q', '-b', 'main', other);
  await gitIn(other, t.env)(
    '-c',
    'user.name=x',
    '-c',
    'user.email=x@y',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    'x',
  );
  const fetched = await run(['git', 'fetch', '-q', other, 'main'], { cwd: t.dir, env: t.env });
  const gc = await run(['git', 'gc', '-q'], { cwd: t.dir, env: t.env });
  return { fetch: fetched.ok, gc: gc.ok };
}

const refFile = (t: TestRepo, ref: string): string => path.join(t.repo.commonDir, ref);
const objectFile = (t: TestRepo, oid: string): string =>
  path.join(t.repo.commonDir, 'objects', oid.slice(0, 2), oid.slice(2));

async function unpackAll(t: TestRepo): Promise<void> {
  const packs = path.join(t.repo.commonDir, 'objects/pack');
  for (const name of readdirSync(packs).filter((one) => one.endsWith('.pack'))) {
    const aside = path.join(tempDir('pack'), name);
    writeFileSync(aside, readFileSync(path.join(packs, name)));
    for (const one of readdirSync(packs).filter((other) => other.startsWith(name.slice(0, -5))))
      rmSync(path.join(packs, one), { force: true });
    await run(['git', 'unpack-objects', '-q'], { cwd: t.dir, env: t.env, input: readFileSync(aside) });
  }
}

describe('[invariant 27] refs that lead nowhere', () => {
  test.each<[string, (t: TestRepo, ref: string) => Promise<void> | void, string]>([
    ['an empty file', (t, ref) => writeFileSync(refFile(t, ref), ''), 'empty'],
    [
      'a file of zeros, as after a power cut',
      (t, ref) => writeFileSync(refFile(t, ref), Buffer.alloc(41)),
      'empty',
    ],
    [
      'an id that nothing has',
      (t, ref) => writeFileSync(refFile(t, ref), `${'1'.repeat(40)}\n`),
      'its commit is missing',
    ],
    [
      'a file that is gone',
      async (t) => {
        await unpackAll(t);
        const blob = await t.git('rev-parse', 'refs/devenv/checkpoints/checkpoint-20250101-000000:a.txt');
        rmSync(objectFile(t, blob));
      },
      'a file of it is missing',
    ],
  ])(
    '%s: fetch or gc fail, and work after doctor --fix',
    async (_name, spoil, why) => {
      const t = await makeRepo();
      const { tag: good } = await t.checkpoint({ now: Date.UTC(2024, 0, 1), verdict: 'passed' });
      t.write('a.txt', 'only in the broken one\n');
      const { tag } = await t.checkpoint({ now: Date.UTC(2025, 0, 1), tags: 'none' });
      expect(tag).toBe('checkpoint-20250101-000000');
      const ref = `refs/devenv/checkpoints/${tag}`;
      await spoil(t, ref);
      const before = await gitWorks(t);
      // Where only a file is missing, fetch does not look.
      expect(before).toEqual({ fetch: why === 'a file of it is missing', gc: false });

      const told = (await examine(t))('checkpoints');
      expect(told).toMatchObject({ ok: false, level: 'error', remedy: expect.stringContaining('--fix') });
      expect(told.message).toContain(`${ref} (${why})`);
      // Without --fix nothing changed.
      expect(existsSync(refFile(t, ref)) || (await t.git('for-each-ref', ref)) !== '').toBe(true);

      const fixed = (await examine(t, true))('checkpoints');
      expect(fixed).toMatchObject({ ok: true, message: expect.stringContaining(ref) });
      expect(await gitWorks(t)).toEqual({ fetch: true, gc: true });
      expect((await examine(t))('checkpoints')).toMatchObject({
        ok: true,
        message: 'every checkpoint can be read',
      });
      expect(await checkpointNames(t.repo)).toEqual([good]);
      expect((await lastGood(t.repo))?.tag).toBe(good);
      // Put aside, not deleted: what the file held is still there.
      const dir = path.join(t.repo.commonDir, 'devenv/quarantine');
      const [stamp = ''] = readdirSync(dir);
      expect(existsSync(path.join(dir, stamp, ref))).toBe(true);
    },
    60_000,
  );

  test('a ref to an object that is not there: commands that need it name the way out', async () => {
    const t = await makeRepo();
    const { tag } = await t.checkpoint();
    writeFileSync(refFile(t, `refs/devenv/checkpoints/${tag}`), `${'1'.repeat(40)}\n`);
    t.write('a.txt', 'newer\n');
    const hint = expect.stringContaining('devenv doctor --fix');
    await expect(listCheckpoints(t.repo)).rejects.toMatchObject({ hint });
    await expect(t.checkpoint()).rejects.toMatchObject({ hint });
  });

  test.each(['all', 'none'] as const)(
    'a checkpoint whose ref is empty is made anew from its sound tag (checkpoint.tags: %s)',
    async (tags) => {
      const t = await makeRepo({ files: { 'devenv.yaml': `checkpoint: { tags: ${tags} }\n` } });
      const { tag, commit } = await t.checkpoint({ verdict: 'passed' });
      t.write('a.txt', 'newer\n');
      const user = await t.checkpoint({ tags: 'none' });
      // A tag of the user's that only bears such a name is no checkpoint.
      await t.git('tag', user.tag, 'HEAD');
      for (const name of [tag, user.tag]) writeFileSync(refFile(t, `refs/devenv/checkpoints/${name}`), '');
      const fixed = (await examine(t, true))('checkpoints');
      expect(fixed).toMatchObject({ ok: true, message: expect.stringContaining(`from the tag: ${tag}`) });
      expect(await checkpointNames(t.repo)).toEqual([tag]);
      expect((await lastGood(t.repo))?.commit).toBe(commit);
      expect(await t.git('rev-parse', user.tag)).toBe(await t.git('rev-parse', 'HEAD'));
      if (tags === 'all') return;
      await prune(t.repo, { now: Date.now(), keep: keepDefaults, tags });
      expect(await t.git('tag', '--list', tag)).toBe('');
    },
  );

  test('also packed ones, ones that point at a tree, and many among good ones; tags of the user stay', async () => {
    const t = await makeRepo();
    const made: Created[] = [];
    for (let n = 0; n < 6; n++) {
      t.write('a.txt', `${n}\n`);
      made.push(await t.checkpoint({ now: Date.UTC(2025, 0, 1 + n) }));
    }
    await t.git('update-ref', 'refs/devenv/tree', made[0]?.tree ?? '');
    await t.git('tag', 'checkpoint-tree', made[0]?.tree ?? '');
    await t.git('pack-refs', '--all');
    const packed = refFile(t, 'packed-refs');
    const lost = [1, 4].map((n) => made[n]?.commit ?? '');
    let text = readFileSync(packed, 'utf8');
    lost.forEach((commit, n) => (text = text.replaceAll(commit, String(n + 1).repeat(40))));
    writeFileSync(packed, text);
    expect((await examine(t))('checkpoints').message).toMatch(/and 2 more refs/);
    await examine(t, true);
    expect((await examine(t))('checkpoints')).toMatchObject({ ok: true });
    expect(await checkpointNames(t.repo)).toEqual([5, 3, 2, 0].map((n) => made[n]?.tag));
    const left = (await t.git('for-each-ref', '--format=%(refname:short)', 'refs/tags')).split('\n');
    expect(left).toEqual([...[0, 2, 3, 5].map((n) => made[n]?.tag), 'checkpoint-tree']);
    expect(await t.git('for-each-ref', 'refs/devenv/tree')).toBe('');
    await t.git('fsck');
  });

  test.each(['loose', 'packed'])(
    'a ref that stands where devenv keeps its own gives way: %s',
    async (how) => {
      const t = await makeRepo();
      await t.git('update-ref', 'refs/devenv/undo', 'HEAD');
      if (how === 'packed') await t.git('pack-refs', '--all');
      const { tag } = await t.checkpoint();
      t.write('a.txt', 'newer\n');
      await expect(t.rollBack({ target: tag })).rejects.toThrow(/undo/);
      expect((await examine(t))('checkpoints').message).toContain('refs/devenv/undo (it stands in the way');
      await examine(t, true);
      await t.rollBack({ target: tag });
      await t.undo();
      expect(t.read('a.txt')).toBe('newer\n');
    },
  );

  test('a healthy repository is left as it is', async () => {
    const t = await makeRepo();
    await t.checkpoint();
    const before = await t.git('for-each-ref');
    expect((await examine(t, true))('checkpoints')).toMatchObject({ ok: true });
    expect(await t.git('for-each-ref')).toBe(before);
    expect(existsSync(path.join(t.repo.commonDir, 'devenv/quarantine'))).toBe(false);
  });
});

const isRoot = process.getuid?.() === 0;

test('[invariant 24] a git directory that cannot be written is told, with the folder', async () => {
  const t = await makeRepo();
  await t.checkpoint();
  expect((await examine(t))('git directory')).toMatchObject({ ok: true });
  const objects = path.join(t.repo.commonDir, 'objects');
  // As root everything may be written: another user must look.
  for (const dir of [path.dirname(path.dirname(t.dir)), path.dirname(t.dir), t.env['HOME'] ?? ''])
    chmodSync(dir, 0o711);
  await t.git('config', '--global', 'safe.directory', '*');
  for (const dir of [t.dir, t.env['HOME'] ?? '']) await run(['chmod', '-R', isRoot ? 'a+rwX' : 'a+rX', dir]);
  await run(['chmod', '-R', 'a-w', objects]);
  const script = `import { repository } from ${JSON.stringify(path.resolve('src/commands/doctor/repo.ts'))};
    const found = await repository({ root: ${JSON.stringify(t.dir)}, ctx: { env: process.env } });
    console.log(JSON.stringify(found.find(({ name }) => name === 'git directory')));`;
  const argv = [process.execPath, '--input-type=module', '-e', script];
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const result = await run(isRoot ? [...nobody, ...argv] : argv, { env: t.env });
  await run(['chmod', '-R', 'u+w', objects]);
  const found: unknown = JSON.parse(result.stdout || JSON.stringify(result.stderr));
  expect(found).toMatchObject({
    ok: false,
    level: 'error',
    message: expect.stringContaining(`${objects} and 1 more folder cannot be written`),
    remedy: expect.stringContaining(`chmod -R u+w ${t.repo.commonDir}`),
  });
});

describe('what killed processes left', () => {
  const dead = 4_194_303;

  test('is told, and removed when asked; what may be in use or of somebody else stays', async () => {
    const t = await makeRepo();
    await t.checkpoint();
    const dir = t.repo.commonDir;
    const ours = path.join(dir, `fast_import_crash_${dead}`);
    const foreign = path.join(dir, `fast_import_crash_${dead - 1}`);
    const living = path.join(dir, `fast_import_crash_${process.pid}`);
    writeFileSync(ours, 'fast-import crash report: refs/devenv/checkpoints/x');
    writeFileSync(foreign, 'fast-import crash report: refs/heads/import');
    writeFileSync(living, 'fast-import crash report: refs/devenv/checkpoints/x');
    const stage = path.join(dir, `devenv/stage-${dead}-1234`);
    mkdirSync(stage, { recursive: true });
    const old = path.join(dir, 'refs/devenv/checkpoints/checkpoint-20250101-000000.lock');
    const young = path.join(dir, 'packed-refs.lock');
    writeFileSync(old, '');
    utimesSync(old, 0, 0);
    writeFileSync(young, '');
    const scratch = path.join(t.env['XDG_STATE_HOME'] ?? '', 'devenv/scratch', `${dead}-abcd`);
    await t.git('worktree', 'add', '-q', '--detach', scratch);

    expect((await examine(t))('left over')).toMatchObject({ ok: false, level: 'warning' });
    expect([ours, stage, old, scratch].map(existsSync)).toEqual([true, true, true, true]);
    expect((await examine(t, true))('left over')).toMatchObject({ ok: true });
    expect([ours, stage, old, scratch].map(existsSync)).toEqual([false, false, false, false]);
    expect([foreign, living, young].map(existsSync)).toEqual([true, true, true]);
    expect(await t.git('worktree', 'list')).not.toContain('scratch');
    expect((await examine(t))('left over')).toMatchObject({ ok: true });
  });

  test('a stage is needed while its journal is there', async () => {
    const t = await makeRepo();
    const stage = path.join(t.repo.commonDir, `devenv/stage-${dead}-1234`);
    mkdirSync(stage, { recursive: true });
    writeFileSync(path.join(t.repo.commonDir, 'devenv/journal.json'), '{}');
    await examine(t, true);
    expect(existsSync(stage)).toBe(true);
  });
});

describe('[invariant 36] pushes', () => {
  async function withRemote() {
    const t = await makeRepo();
    await t.checkpoint();
    await t.git('tag', 'v1');
    const remote = path.join(tempDir('remote'), 'r.git');
    await t.git('init', '-q', '--bare', remote);
    await t.git('remote', 'add', 'origin', remote);
    const sent = async (...args: string[]): Promise<string[]> => {
      await t.git('push', '-q', ...args);
      const out = await t.git('ls-remote', remote);
      return out
        .split('\n')
        .map((line) => line.split('\t')[1] ?? '')
        .filter((ref) => /checkpoint|devenv/.test(ref));
    };
    return { t, remote, sent };
  }

  async function cloned(t: TestRepo): Promise<string[]> {
    const copy = path.join(tempDir('clone'), 'c');
    await t.git('clone', '-q', `file://${t.dir}`, copy);
    const refs = await gitIn(copy, t.env)('for-each-ref', '--format=%(refname)');
    return refs.split('\n').filter((ref) => /checkpoint|devenv/.test(ref));
  }

  test('a clone takes the tags along, and nothing of refs/devenv', async () => {
    const { t } = await withRemote();
    const tags = (await t.git('for-each-ref', '--format=%(refname)', 'refs/tags/checkpoint-*')).split('\n');
    expect(await cloned(t)).toEqual(tags);
  });

  test('plain, --all and --follow-tags send no checkpoint; --tags does, unless told not to', async () => {
    const { t, sent } = await withRemote();
    await t.git('config', 'push.followTags', 'true');
    expect(await sent('origin', 'main')).toEqual([]);
    expect(await sent('--all', 'origin')).toEqual([]);
    expect(await sent('--follow-tags', 'origin', 'main')).toEqual([]);
    expect(await sent('--tags', 'origin', '^refs/tags/checkpoint-*')).toEqual([]);
    // The page says what is measured here: a refspec in the configuration does not hold --tags back.
    await t.git('config', '--add', 'remote.origin.push', 'refs/heads/*');
    await t.git('config', '--add', 'remote.origin.push', '^refs/tags/checkpoint-*');
    expect(await sent('--tags', 'origin')).toHaveLength(1);
  });

  test('checkpoint.tags: none leaves nothing for --tags; prune takes away the tags that are there', async () => {
    const { t, sent } = await withRemote();
    t.write('devenv.yaml', 'checkpoint: { tags: none }\n');
    expect((await examine(t))('pushes')).toMatchObject({
      ok: false,
      remedy: expect.stringContaining('devenv prune'),
    });
    await prune(t.repo, { now: Date.now(), keep: keepDefaults, tags: 'none' });
    expect((await examine(t))('pushes')).toMatchObject({ ok: true });
    expect(await sent('--tags', 'origin')).toEqual([]);
    expect(await cloned(t)).toEqual([]);
  });

  test.each([
    ['refs/tags/*:refs/tags/*', ['^refs/tags/checkpoint-*']],
    ['+refs/*:refs/*', ['^refs/tags/checkpoint-*', '^refs/devenv/*']],
  ])('remote.origin.push %s sends them, and not after doctor --fix', async (spec, added) => {
    const { t, sent } = await withRemote();
    await t.git('config', 'remote.origin.push', spec);
    expect((await examine(t))('pushes')).toMatchObject({ ok: false, level: 'warning' });
    expect(await t.git('config', '--get-all', 'remote.origin.push')).toBe(spec);
    expect((await examine(t, true))('pushes')).toMatchObject({ ok: true });
    expect((await t.git('config', '--get-all', 'remote.origin.push')).split('\n')).toEqual([spec, ...added]);
    expect((await examine(t))('pushes')).toMatchObject({ ok: true });
    expect(await sent('origin')).toEqual([]);
  });

  test.each<[string, readonly (readonly [string, string])[], boolean, RegExp | undefined]>([
    ['nothing', [], false, undefined],
    [
      'branches',
      [
        ['remote.origin.push', 'refs/heads/*:refs/heads/*'],
        ['remote.origin.push', ':'],
      ],
      false,
      undefined,
    ],
    [
      'tags held back',
      [
        ['remote.o.push', 'refs/tags/*'],
        ['remote.o.push', '^refs/tags/checkpoint-*'],
      ],
      false,
      undefined,
    ],
    ['tags, but there are none', [['remote.o.push', 'refs/tags/*']], true, undefined],
    ['a mirror', [['remote.o.mirror', 'true']], true, /git push o sends all checkpoints/],
    ['no mirror', [['remote.o.mirror', 'false']], false, undefined],
    ['an alias', [['alias.pt', 'push --tags']], false, /git pt sends the tags/],
    ['an alias where there are no tags', [['alias.pt', 'push --tags']], true, undefined],
    ['a careful alias', [['alias.pt', 'push origin --tags ^refs/tags/checkpoint-*']], false, undefined],
  ])('settings: %s', (_name, settings, tagless, expected) => {
    const leaks = findLeaks(settings, tagless);
    if (expected === undefined) expect(leaks).toEqual([]);
    else expect(leaks.map(({ message }) => message)).toEqual([expect.stringMatching(expected)]);
  });
});
