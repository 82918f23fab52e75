import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf } from '../checkpoint/repo.ts';
import { makeBox, type Box } from '../support/box.ts';
import { devenv } from '../support/cli.ts';
import { bothSides, hostCase, type HostCase } from '../support/host-code.ts';
import { git, makeProject, writeFiles } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

let box: Box;
beforeAll(async () => {
  box = await makeBox();
});
afterAll(() => box.end());

let count = 0;
const make = (options: Parameters<typeof hostCase>[0] = {}): Promise<HostCase> =>
  hostCase({ box, path: `p${count++}/shop`, ...options });

/** A case whose box has the work tree already. */
async function pushed(options: Parameters<typeof hostCase>[0] = {}): Promise<HostCase> {
  const t = await make(options);
  await t.sure('host', 'push', 'box');
  return t;
}

async function same(t: HostCase): Promise<void> {
  const { here, there } = await bothSides(t);
  expect(there).toEqual(here);
}

describe('host push', () => {
  it('takes two execs, makes the repository, and leaves everything here as it is', async () => {
    const t = await make();
    writeFiles(t.dir, 'new.txt', 'new\n');
    await t.git('add', 'new.txt');
    writeFiles(t.dir, 'x.log', 'ignored\n');
    const before = { status: await t.git('status', '--porcelain=v2'), files: filesOf(t.dir) };
    const execs = box.execs();
    const said = await t.sure('host', 'push', 'box');
    expect(box.execs() - execs).toBe(2);
    expect(said).toMatch(/sent to box:.*a new repository with 5 files; branch main at [0-9a-f]{10}/);
    expect({ status: await t.git('status', '--porcelain=v2'), files: filesOf(t.dir) }).toEqual(before);
    expect(existsSync(path.join(t.there, 'x.log'))).toBe(false);
    await same(t);
    expect(await t.gitThere('config', '--local', '--get-regexp', 'user').catch(() => 'none')).toBe('none');
  });

  it('sends only what changed, says what it wrote and how to take it back, and undo there does', async () => {
    const t = await make({ files: { 'big.bin': randomBytes(100_000).toString('hex') } });
    writeFiles(t.dir, 'big.untracked', randomBytes(100_000).toString('hex'));
    await t.sure('host', 'push', 'box');
    writeFiles(t.dir, 'a.txt', 'changed\n');
    rmSync(path.join(t.dir, 'src/b.txt'));
    const facts = JSON.parse(await t.sure('host', 'push', '--json'));
    expect(facts).toMatchObject({ written: ['a.txt'], deleted: ['src/b.txt'], created: false });
    expect(facts.bytes).toBeLessThan(3000);
    await same(t);
    await t.sure('undo', '--host', 'box');
    expect(readFileSync(path.join(t.there, 'a.txt'), 'utf8')).toBe('a\n');
    // Back at what was sent before: nothing there is lost by sending again.
    expect((await t.run('host', 'push', 'box')).code).toBe(0);
    await same(t);
  });

  it('says when what it replaces came from another clone, and only then', async () => {
    const t = await pushed();
    writeFiles(t.dir, 'a.txt', 'mine\n');
    expect(await t.sure('host', 'push', '--json')).not.toContain('another clone');
    const other = path.join(tempDir('other'), 'shop');
    await git(t.dir, t.env, 'clone', '-q', `file://${t.dir}`, other);
    const push = () => devenv(['host', 'push', 'box', '--json'], { cwd: other, env: t.env });
    const note = 'what stood there had been pushed from another clone; devenv undo --host box brings it back';
    expect(JSON.parse((await push()).stdout).warnings).toEqual([note]);
    expect(JSON.parse((await push()).stdout)).toMatchObject({ upToDate: true, warnings: [] });
    await t.sure('undo', '--host', 'box');
    expect(readFileSync(path.join(t.there, 'a.txt'), 'utf8')).toBe('mine\n');
  });

  it('says so when the box has it already', async () => {
    const t = await pushed();
    const execs = box.execs();
    expect(await t.sure('host', 'push', 'box')).toMatch(/has it already \(branch main at/);
    expect(box.execs() - execs).toBe(1);
  });
});

describe('work that is only on the box', () => {
  const edits: Record<string, (t: HostCase) => Promise<unknown> | void> = {
    'a changed file': (t) => writeFiles(t.there, 'a.txt', 'by an agent\n'),
    'a new file': (t) => writeFiles(t.there, 'fresh.txt', 'by an agent\n'),
    'a deleted file': (t) => rmSync(path.join(t.there, 'src/b.txt')),
    'a staged change that is taken back on the disk': async (t) => {
      writeFiles(t.there, 'a.txt', 'staged\n');
      await t.gitThere('add', 'a.txt');
      writeFiles(t.there, 'a.txt', 'a\n');
    },
    'a commit': (t) => t.gitThere('commit', '-q', '--allow-empty', '-m', 'Agent work'),
    'a change on another branch': async (t) => {
      await t.gitThere('switch', '-q', '-c', 'agent');
      writeFiles(t.there, 'a.txt', 'on the branch\n');
    },
  };
  const said: Record<string, RegExp> = {
    'a changed file': /1 changed file \(a\.txt\)/,
    'a new file': /1 changed file \(fresh\.txt\)/,
    'a deleted file': /1 changed file \(src\/b\.txt\)/,
    'a staged change that is taken back on the disk': /something else is staged/,
    'a commit': /1 commit \([0-9a-f]{7} Agent work\)/,
    'a change on another branch': /1 changed file \(a\.txt\), branch agent is checked out/,
  };
  for (const [what, edit] of Object.entries(edits))
    it(`${what} is not replaced; with --force it is, and undo there brings it back exactly`, async () => {
      const t = await pushed();
      await edit(t);
      const before = (await bothSides(t)).there;
      writeFiles(t.dir, 'here.txt', 'of here\n');
      const refused = await t.run('host', 'push', 'box');
      expect(refused.code).toBe(5);
      expect(refused.stderr).toMatch(said[what] ?? /never/);
      expect(refused.stderr).toContain('devenv host pull box');
      expect((await bothSides(t)).there).toEqual(before);
      expect(await t.sure('host', 'push', 'box', '--force')).toContain('devenv undo --host box');
      await same(t);
      await t.sure('undo', '--host', 'box');
      expect((await bothSides(t)).there).toEqual(before);
    });

  it('is not what a box has that was brought up to a commit known here', async () => {
    const t = await pushed();
    await t.git('commit', '-q', '--allow-empty', '-m', 'Here');
    await t.sure('host', 'push', 'box');
    await t.gitThere('reset', '-q', '--hard', 'HEAD~1');
    writeFiles(t.dir, 'a.txt', 'on\n');
    await t.sure('host', 'push', 'box');
    await same(t);
  });

  it('is not what a clone holds that was made there by hand, unless it was changed', async () => {
    const t = await make();
    mkdirSync(path.dirname(t.there), { recursive: true });
    await git(path.dirname(t.there), t.env, 'clone', '-q', t.dir, t.there);
    writeFiles(t.there, 'a.txt', 'changed there\n');
    const refused = await t.run('host', 'push', 'box');
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('1 changed file (a.txt)')]);
    writeFiles(t.there, 'a.txt', 'a\n');
    writeFiles(t.dir, 'a.txt', 'changed here\n');
    await t.sure('host', 'push', 'box');
    const { here, there } = await bothSides(t);
    expect([there.files, there.staged, there.head]).toEqual([here.files, here.staged, here.head]);
  });

  it('is what a folder without git holds: refused, and with --force kept as undo', async () => {
    const t = await make();
    writeFiles(t.there, 'a.txt', 'of the box\n');
    writeFiles(t.there, 'notes/x.log', 'ignored, in nobody’s way\n');
    const before = filesOf(t.there);
    const refused = await t.run('host', 'push', 'box');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/shop is not empty and no git repository \(a\.txt, notes\)/);
    expect(filesOf(t.there)).toEqual(before);
    expect(existsSync(path.join(t.there, '.git'))).toBe(false);
    await t.sure('host', 'push', 'box', '--force');
    expect(readFileSync(path.join(t.there, 'a.txt'), 'utf8')).toBe('a\n');
    await t.sure('undo', '--host', 'box', '--yes');
    expect(filesOf(t.there)).toEqual(before);
  });

  it('is refused while git there is in the middle of something', async () => {
    const t = await pushed();
    writeFileSync(path.join(t.there, '.git/MERGE_HEAD'), `${await t.git('rev-parse', 'HEAD')}\n`);
    const refused = await t.run('host', 'push', 'box', '--force');
    expect([refused.code, refused.stderr]).toEqual([
      5,
      expect.stringContaining('box: a merge is in progress'),
    ]);
  });
});

describe('repositories of every kind', () => {
  it('without a commit; and never over one with some', async () => {
    const t = await make({ project: 'init' });
    await t.git('add', 'a.txt');
    await t.sure('host', 'push', 'box');
    await same(t);
    await t.gitThere('commit', '-q', '-m', 'First');
    const refused = await t.run('host', 'push', 'box', '--force');
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('has none yet')]);
  });

  it('sha256, and never into one of the other kind', async () => {
    const t = await make();
    rmSync(path.join(t.dir, '.git'), { recursive: true });
    await t.git('init', '-q', '-b', 'trunk', '--object-format=sha256');
    await t.git('add', '-A');
    await t.git('commit', '-q', '-m', 'Start');
    writeFiles(t.dir, 'a.txt', 'more\n');
    await t.sure('host', 'push', 'box');
    await same(t);
    rmSync(path.join(t.dir, '.git'), { recursive: true });
    await t.git('init', '-q');
    const refused = await t.run('host', 'push', 'box', '--force');
    expect([refused.code, refused.stderr]).toEqual([
      3,
      expect.stringContaining('is a sha256 repository, this one is sha1'),
    ]);
  });

  it('in the middle of a merge: the files go, and it is said that the merge does not', async () => {
    const t = await pushed();
    await t.git('switch', '-q', '-c', 'other');
    writeFiles(t.dir, 'a.txt', 'theirs\n');
    await t.git('commit', '-qam', 'Theirs');
    await t.git('switch', '-q', 'main');
    writeFiles(t.dir, 'a.txt', 'ours\n');
    await t.git('commit', '-qam', 'Ours');
    await t.git('merge', '-q', 'other').catch(() => '');
    const result = await t.run('host', 'push', 'box');
    expect([result.code, result.stderr]).toEqual([0, expect.stringContaining('git is merging here')]);
    expect(readFileSync(path.join(t.there, 'a.txt'), 'utf8')).toContain('<<<<<<<');
    expect(await t.git('rev-parse', '-q', '--verify', 'MERGE_HEAD')).not.toBe('');
  });

  it('a shallow clone, whose end of history the box is given', async () => {
    const t = await make();
    await t.git('commit', '-q', '--allow-empty', '-m', 'Second');
    const clone = await make();
    rmSync(path.join(clone.dir, '.git'), { recursive: true });
    await git(clone.dir, t.env, 'init', '-q', '-b', 'main');
    await git(clone.dir, t.env, 'fetch', '-q', '--depth=1', `file://${t.dir}`, 'main');
    await git(clone.dir, t.env, 'reset', '-q', 'FETCH_HEAD');
    await clone.sure('host', 'push', 'box');
    await same(clone);
    expect(await clone.gitThere('rev-list', '--count', 'HEAD')).toBe('1');
    await clone.git('commit', '-qam', 'On top', '--allow-empty');
    await clone.sure('host', 'push', 'box');
    await same(clone);
    expect(await clone.gitThere('fsck', '--connectivity-only')).not.toMatch(/missing|broken/);
  });

  it('a partial clone, whose missing files are fetched first', async () => {
    const t = await make({ files: { 'old.txt': 'old\n'.repeat(50) } });
    await t.git('rm', '-q', 'old.txt');
    await t.git('commit', '-q', '-m', 'Without old');
    await t.git('config', 'uploadpack.allowFilter', 'true');
    await t.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    const clone = await make();
    rmSync(clone.dir, { recursive: true });
    await git(
      path.dirname(clone.dir),
      t.env,
      'clone',
      '-q',
      '--filter=blob:none',
      `file://${t.dir}`,
      clone.dir,
    );
    writeFileSync(
      path.join(clone.dir, 'devenv.yaml'),
      readFileSync(path.join(t.dir, 'devenv.yaml'), 'utf8').replace(
        /p\d+\/shop/,
        path.relative(box.home, clone.there),
      ),
    );
    await clone.sure('host', 'push', 'box');
    await same(clone);
    expect(await clone.gitThere('fsck', '--connectivity-only')).not.toMatch(/missing|broken/);
  });

  it('a linked work tree', async () => {
    const t = await make();
    const linked = path.join(tempDir('linked'), 'shop');
    await t.git('worktree', 'add', '-q', '-b', 'linked', linked);
    writeFiles(linked, 'only-there.txt', 'x\n');
    const { devenv } = await import('../support/cli.ts');
    const result = await devenv(['host', 'push', 'box', '-q'], { cwd: linked, env: t.env });
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(readFileSync(path.join(t.there, 'only-there.txt'), 'utf8')).toBe('x\n');
    expect(await t.gitThere('branch', '--show-current')).toBe('linked');
  });

  it('a project in a folder of its repository goes where its folder then lies', async () => {
    const t = await make({ path: 'mono/apps/web' });
    const inner = path.join(t.dir, 'apps/web');
    writeFiles(inner, 'devenv.yaml', readFileSync(path.join(t.dir, 'devenv.yaml'), 'utf8'));
    const { devenv } = await import('../support/cli.ts');
    const result = await devenv(['host', 'push', 'box', '-q'], { cwd: inner, env: t.env });
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(readFileSync(path.join(box.home, 'mono/a.txt'), 'utf8')).toBe('a\n');
    expect((await devenv(['checkpoints', '--host', 'box'], { cwd: inner, env: t.env })).stdout).toMatch(
      /no checkpoint/,
    );
    writeFiles(inner, 'devenv.yaml', `name: web\nhosts:\n  box: { ssh: ${box.host}, path: "~/elsewhere" }\n`);
    const refused = await devenv(['host', 'push', 'box'], { cwd: inner, env: t.env });
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('must end in apps/web')]);
  });

  it('names that are no text', async () => {
    const t = await make();
    const odd = Buffer.from([0x62, 0xff, 0x0a, 0x22]);
    writeFileSync(Buffer.concat([Buffer.from(`${t.dir}/`), odd]), 'bytes\n');
    await t.sure('host', 'push', 'box');
    await same(t);
    expect(readFileSync(Buffer.concat([Buffer.from(`${t.there}/`), odd]), 'utf8')).toBe('bytes\n');
  });

  it('line ends that attributes ask for, though these come with the same push', async () => {
    const files = { '.gitattributes': '*.crlf text eol=crlf\n', 'x.crlf': 'one\r\ntwo\r\n' };
    const t = await make({ files });
    await t.sure('host', 'push', 'box');
    await same(t);
    expect(readFileSync(path.join(t.there, 'x.crlf'), 'utf8')).toBe('one\r\ntwo\r\n');
  });

  it.each(['core.autocrlf=true', 'core.eol=crlf', '*.txt text eol=crlf'])(
    'files that lie here otherwise than git would check them out: %s',
    async (setting) => {
      const [name = '', value] = setting.split('=');
      const t = await make({ files: { 'own.txt': 'one\r\ntwo\r\n', 'later.txt': 'one\n' } });
      if (name.startsWith('core.')) await t.git('config', name, value ?? '');
      writeFiles(t.dir, '.gitattributes', name.startsWith('core.') ? '*.txt text=auto\n' : `${setting}\n`);
      await t.git('add', '-A');
      await t.git('add', '--renormalize', '.');
      await t.git('commit', '-qm', 'Attributes');
      await t.sure('host', 'push', 'box');
      await same(t);
      expect(readFileSync(path.join(t.there, 'a.txt'), 'utf8')).toBe('a\n');
      writeFiles(t.dir, 'later.txt', 'two\n');
      await t.git('commit', '-qam', 'Later');
      await t.sure('host', 'push', 'box');
      await same(t);
      await t.sure('undo', '--host', 'box');
      expect(readFileSync(path.join(t.there, 'later.txt'), 'utf8')).toBe('one\n');
    },
  );

  it('line ends that git converts by its settings; other settings there are told', async () => {
    const t = await make();
    await t.git('config', 'core.autocrlf', 'true');
    writeFiles(t.dir, 'auto.txt', 'one\r\ntwo\r\n');
    await t.git('add', '-A');
    await t.git('commit', '-qm', 'Auto');
    await t.git('rm', '-rq', '--cached', '.');
    await t.git('reset', '-q', '--hard');
    await t.sure('host', 'push', 'box');
    await same(t);
    expect(readFileSync(path.join(t.there, 'auto.txt'), 'utf8')).toBe('one\r\ntwo\r\n');
    await t.git('config', 'core.autocrlf', 'input');
    writeFiles(t.dir, 'new.txt', 'x\n');
    expect((await t.run('host', 'push', 'box')).stderr).toContain('core.autocrlf true, here input');
  });
});

describe('a session on the box', () => {
  it('has its services restarted when files changed, and not when none did', async () => {
    const t = await make();
    const yaml = readFileSync(path.join(t.dir, 'devenv.yaml'), 'utf8');
    writeFileSync(
      path.join(t.dir, 'devenv.yaml'),
      `${yaml}windows:\n  api: { command: "cat a.txt; exec sleep 600"}\n`,
    );
    await t.sure('host', 'push', 'box');
    await t.sure('start', '--detach', '--host', 'box');
    try {
      writeFiles(t.dir, 'a.txt', 'more\n');
      expect(await t.sure('host', 'push', 'box')).toContain('restarted api');
      expect(await t.sure('host', 'push', 'box')).not.toContain('restarted');
    } finally {
      await t.sure('stop', '--host', 'box');
    }
  });
});

describe('what does not travel', () => {
  it('is said: large files, repositories inside, submodules, secrets in URLs; and none of it is lost there', async () => {
    const t = await make();
    const library = await makeProject(t.env, { files: { 'lib.txt': 'lib\n' }, name: 'library' });
    await t.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'sub');
    await t.git('commit', '-qm', 'With a submodule');
    writeFiles(
      t.dir,
      'devenv.yaml',
      `${readFileSync(path.join(t.dir, 'devenv.yaml'), 'utf8')}checkpoint: { max_file: 10kB }\n`,
    );
    writeFiles(t.dir, 'huge.bin', 'x'.repeat(20_000));
    writeFiles(t.dir, 'nested/inside.txt', 'x\n');
    await git(path.join(t.dir, 'nested'), t.env, 'init', '-q');
    await t.git('remote', 'add', 'origin', 'git@forge.example:team/shop.git');
    await t.git('remote', 'add', 'ci', 'https://bot:s3cr3t@forge.example/shop.git');
    await t.git('remote', 'add', 'disk', '/srv/git/shop.git');
    const result = await t.run('host', 'push', 'box');
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/not sent {2}huge\.bin \(larger than/);
    expect(result.stdout).toMatch(/not sent {2}nested \(a git repository of its own\)/);
    expect(result.stderr).toMatch(/of 1 submodule \(sub\) only the commit is sent/);
    expect(result.stderr).toMatch(/the URL of ci holds a user name or a secret/);
    expect(result.stdout + result.stderr).not.toContain('s3cr3t');
    expect(await t.gitThere('remote')).toBe('origin');
    expect(await t.gitThere('status', '--porcelain')).toBe('?? devenv.yaml'.replace('??', ' M'));
    writeFiles(t.there, 'huge.bin', 'other\n'.repeat(5000));
    writeFiles(t.dir, 'a.txt', 'again\n');
    await t.sure('host', 'push', 'box');
    expect(readFileSync(path.join(t.there, 'huge.bin'), 'utf8')).toBe('other\n'.repeat(5000));
  });

  it('what is ignored here without a file in the tree is ignored there too', async () => {
    const t = await make();
    writeFiles(t.env['HOME'] ?? '', 'config/git/ignore', '*.swp\n');
    writeFileSync(path.join(t.dir, '.git/info/exclude'), '# mine\n/private\n');
    await t.sure('host', 'push', 'box');
    writeFiles(t.there, 'x.swp', 'x\n');
    writeFiles(t.there, 'private', 'x\n');
    writeFiles(t.dir, 'a.txt', 'again\n');
    expect((await t.run('host', 'push', 'box')).code).toBe(0);
  });
});

describe('wrong input', () => {
  it.each([
    [['host', 'push', 'nowhere.invalid'], 3, /nowhere\.invalid: /],
    [['host', 'pusch', 'box'], 2, /devenv host does not know "pusch"/],
    [['host', 'push', '--', '-oProxyCommand=x'], 2, /not a host/],
    [['host', 'push', 'box', '--host', 'box'], 2, /takes no --host/],
  ])('%j', async (args, code, words) => {
    const t = await make();
    const result = await t.run(...args);
    expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(words)]);
  });

  it('a box without devenv, and one without git', async () => {
    const t = await make();
    const dir = path.join(box.home, '.local/share/devenv');
    const other = await makeBox({ without: ['git'] });
    try {
      const bare = await hostCase({ box: other });
      const noGit = await bare.run('host', 'push', 'box');
      expect([noGit.code, noGit.stderr]).toEqual([3, expect.stringContaining('box: git is not installed')]);
      rmSync(path.join(other.home, '.local/share/devenv'), { recursive: true });
      const none = await bare.run('host', 'push', 'box');
      expect(none.stderr).toContain('box: installing devenv');
      expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('box: git is not installed')]);
    } finally {
      await other.end();
    }
    expect(existsSync(dir)).toBe(true);
    expect(t.there).not.toBe('');
  });
});
