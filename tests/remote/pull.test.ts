import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf } from '../checkpoint/repo.ts';
import { installDevenv, makeBox, type Box } from '../support/box.ts';
import { bothSides, hostCase, type HostCase } from '../support/host-code.ts';
import { writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

let box: Box;
beforeAll(async () => {
  box = await makeBox({ port: true });
});
afterAll(() => box.end());

let count = 0;
async function pushed(): Promise<HostCase> {
  const t = await hostCase({ box, path: `b${count++}` });
  await t.sure('host', 'push', 'box');
  return t;
}

/** A checkpoint on the box; its name. */
async function checkpointThere(t: HostCase, text: string): Promise<string> {
  writeFiles(t.there, 'a.txt', text);
  const said = await t.sure('checkpoint', '--no-verify', '-m', text.trim(), '--host', 'box', '--json');
  return String(JSON.parse(said).tag);
}

/** Everything that pulling must leave alone. */
async function own(t: HostCase): Promise<unknown> {
  const refs = await t.git('for-each-ref', '--format=%(refname) %(objectname)');
  return {
    refs: refs.split('\n').filter((ref) => !ref.startsWith('refs/devenv/hosts/')),
    files: filesOf(t.dir),
    status: await t.git('status', '--porcelain=v2', '--branch'),
    fetched: existsSync(path.join(t.dir, '.git/FETCH_HEAD')),
  };
}

const pulledRefs = async (t: HostCase): Promise<string[]> =>
  (await t.git('for-each-ref', '--format=%(refname:lstrip=3)', 'refs/devenv/hosts')).split('\n');

describe('host pull', () => {
  it('brings checkpoints, the present and branches with new commits in one exec, and nothing else here changes', async () => {
    const t = await pushed();
    const first = await checkpointThere(t, 'one\n');
    await t.gitThere('switch', '-q', '-c', 'agent/idea');
    await t.gitThere('commit', '-qam', 'Agent work');
    await t.gitThere('branch', 'known', 'main');
    writeFiles(t.there, 'left.txt', 'not committed\n');
    await t.gitThere('add', 'left.txt');
    const [before, there] = [await own(t), (await bothSides(t)).there];
    const execs = box.execs();
    const facts = JSON.parse(await t.sure('host', 'pull', '--json'));
    expect(box.execs() - execs).toBe(1);
    expect(facts).toMatchObject({
      checkpoints: [first],
      heads: ['agent/idea'],
      present: { branch: 'agent/idea', files: 1, changed: true },
      gone: [],
    });
    expect(await own(t)).toEqual(before);
    expect((await bothSides(t)).there).toEqual(there);
    expect(await pulledRefs(t)).toEqual([`box/${first}`, 'box/heads/agent/idea', 'box/present']);
    expect(await t.git('log', '-1', '--format=%s', 'devenv/hosts/box/heads/agent/idea')).toBe('Agent work');
    expect(await t.git('show', 'devenv/hosts/box/present:left.txt')).toBe('not committed');
  });

  it('brings only what is new the next time', async () => {
    const t = await pushed();
    writeFiles(t.there, 'big.txt', randomBytes(300_000).toString('hex'));
    const first = await checkpointThere(t, 'one\n');
    expect(JSON.parse(await t.sure('host', 'pull', '--json')).bytes).toBeGreaterThan(300_000);
    expect(JSON.parse(await t.sure('host', 'pull', '--json'))).toMatchObject({
      checkpoints: [],
      heads: [],
      present: { changed: false },
      bytes: 0,
    });
    const second = await checkpointThere(t, 'two\n');
    const facts = JSON.parse(await t.sure('host', 'pull', '--json'));
    expect(facts.checkpoints).toEqual([second]);
    expect(facts.bytes).toBeLessThan(5000);
    expect(await t.sure('host', 'pull')).toMatch(/no new checkpoint on box:/);
    expect(await pulledRefs(t)).toEqual([`box/${first}`, `box/${second}`, 'box/present']);
  });

  it('names of both sides may be the same: each is had by its own name', async () => {
    const t = await pushed();
    const name = await checkpointThere(t, 'of the box\n');
    writeFiles(t.dir, 'a.txt', 'of here\n');
    const { createCheckpoint } = await import('../../src/checkpoint/index.ts');
    const { openRepo } = await import('../../src/git/index.ts');
    const stamp = /(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)/.exec(name);
    const [, year, month, day, hours, minutes, seconds] = stamp ?? [];
    const mine = await createCheckpoint(await openRepo({ cwd: t.dir, env: t.env }), {
      verdict: 'unverified',
      reason: 'user',
      tags: 'all',
      now: Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`),
    });
    expect(mine.tag).toBe(name);
    await t.sure('host', 'pull', 'box');
    await t.sure('rollback', `box/${name}`);
    expect(readFileSync(path.join(t.dir, 'a.txt'), 'utf8')).toBe('of the box\n');
    await t.sure('rollback', name);
    expect(readFileSync(path.join(t.dir, 'a.txt'), 'utf8')).toBe('of here\n');
  });

  it('all that is on the box can be brought here; what is the same on both sides is not refused', async () => {
    const t = await pushed();
    await t.gitThere('switch', '-q', '-c', 'agent');
    await t.gitThere('commit', '-q', '--allow-empty', '-m', 'Work');
    writeFiles(t.there, 'fresh.txt', 'fresh\n');
    await t.sure('host', 'pull', 'box');
    expect((await t.run('host', 'push', 'box')).code).toBe(5);
    await t.sure('rollback', 'box/present', '--head');
    const { here, there } = await bothSides(t);
    expect(there).toEqual(here);
    expect(JSON.parse(await t.sure('host', 'push', '--json'))).toMatchObject({ written: [], undo: null });
    expect(await t.sure('host', 'push', 'box')).toContain('has it already');
  });

  it('they are listed, compared, put back, opened: by name, by its beginning, by their order', async () => {
    const t = await pushed();
    const first = await checkpointThere(t, 'one\n');
    const second = await checkpointThere(t, 'two\n');
    writeFiles(t.there, 'a.txt', 'three\n');
    await t.sure('host', 'pull', 'box');
    const list = JSON.parse(await t.sure('checkpoints', '--from', 'box', '--json'));
    expect(list.checkpoints.map((one: { tag: string }) => one.tag)).toEqual([
      'box/present',
      `box/${second}`,
      `box/${first}`,
    ]);
    expect(
      (await t.sure('checkpoints', '--from', 'box', '-n', '2')).split('\n').filter(Boolean),
    ).toHaveLength(3);
    expect(await t.sure('checkpoints')).toMatch(/^no checkpoint yet/);
    expect(await t.sure('diff', `box/${first}`, 'box/last')).toContain('-one\n+two');
    expect(await t.sure('diff', `box/${first.slice('checkpoint-'.length)}`, 'box/present')).toContain(
      '-one\n+three',
    );
    await t.sure('rollback', 'box/-2');
    expect(readFileSync(path.join(t.dir, 'a.txt'), 'utf8')).toBe('one\n');
    await t.sure('undo');
    expect(readFileSync(path.join(t.dir, 'a.txt'), 'utf8')).toBe('a\n');
    const { openCheckpoint } = await import('../../src/open/index.ts');
    const { loadProject } = await import('../../src/config/index.ts');
    const project = await loadProject({ cwd: t.dir, env: t.env });
    const opened = await openCheckpoint(t.env, project, { name: `box/${second}` });
    expect(readFileSync(path.join(opened.root, 'a.txt'), 'utf8')).toBe('two\n');
    expect(await t.sure('open', '--list')).toContain(`box-${second}`);
    await t.sure('open', '--close', `box/${second}`);
    expect(existsSync(opened.tree)).toBe(false);
  });

  it('what is not there any more stays, until --prune; prune and doctor here get along with all of it', async () => {
    const t = await pushed();
    const first = await checkpointThere(t, 'one\n');
    await t.gitThere('switch', '-q', '-c', 'agent');
    await t.gitThere('commit', '-qam', 'Work');
    await t.sure('host', 'pull', 'box');
    expect((await t.sure('prune', '--dry-run')).length).toBeGreaterThan(0);
    expect((await t.run('doctor')).stdout).not.toMatch(/hosts\//);
    await t.gitThere('update-ref', '-d', `refs/devenv/checkpoints/${first}`);
    await t.gitThere('switch', '-q', 'main');
    await t.gitThere('branch', '-qD', 'agent');
    expect(await t.sure('host', 'pull', 'box')).toContain('2 brought before are not there any more');
    expect(await pulledRefs(t)).toEqual([`box/${first}`, 'box/heads/agent', 'box/present']);
    expect(await t.sure('host', 'pull', 'box', '--prune')).toContain('forgot 2');
    expect(await pulledRefs(t)).toEqual(['box/present']);
  });

  it('a branch that became a folder of branches comes all the same', async () => {
    const t = await pushed();
    await t.gitThere('switch', '-q', '-c', 'work');
    await t.gitThere('commit', '-q', '--allow-empty', '-m', 'One');
    await t.sure('host', 'pull', 'box');
    await t.gitThere('branch', '-m', 'work', 'tmp');
    await t.gitThere('branch', '-m', 'tmp', 'work/one');
    await t.sure('host', 'pull', 'box');
    expect(await pulledRefs(t)).toEqual(['box/heads/work/one', 'box/present']);
    await t.gitThere('branch', '-m', 'work/one', 'work');
    await t.sure('host', 'pull', 'box');
    expect(await pulledRefs(t)).toEqual(['box/heads/work', 'box/present']);
  });

  it('a link that breaks meanwhile changes nothing, and again is right', async () => {
    const t = await pushed();
    writeFileSync(path.join(t.there, 'big.bin'), randomBytes(40 * 1024 * 1024));
    await checkpointThere(t, 'one\n');
    const before = await t.git('for-each-ref');
    const stage = path.join(t.dir, '.git/devenv');
    const running = t.run('host', 'pull', 'box');
    await until('something comes', () =>
      readdirSync(stage).some(
        (name) => name.startsWith('stage-') && statSync(path.join(stage, name)).size > 100_000,
      ),
    );
    box.proxy?.freeze();
    box.proxy?.cut('rst');
    box.proxy?.thaw();
    const result = await running;
    expect([result.code, result.stderr]).toEqual([3, expect.stringContaining('the connection was lost')]);
    expect(await t.git('for-each-ref')).toBe(before);
    expect(readdirSync(stage).filter((name) => name.startsWith('stage-'))).toEqual([]);
    await t.sure('host', 'pull', 'box');
    expect(await pulledRefs(t)).toHaveLength(2);
  });

  it.each([
    ['a line break in a branch', { heads: { 'x\nupdate refs/heads/main': 'a'.repeat(40) } }],
    ['a path that leads out', { heads: { '../../../heads/main': 'a'.repeat(40) } }],
    ['a checkpoint of another name', { checkpoints: { 'present/../../../heads/main': 'a'.repeat(40) } }],
    ['a commit that is none', { heads: { x: 'HEAD' } }],
  ])('a box that somebody took over names no ref of here: %s', async (_, strange) => {
    const t = await pushed();
    const present = {
      commit: 'b'.repeat(40),
      tree: '',
      staged: '',
      head: null,
      branch: 'main',
      intended: [],
    };
    const answer = {
      dir: '/x',
      checkpoints: {},
      heads: {},
      gone: { checkpoints: [], heads: [] },
      present: { ...present, files: 0, skipped: [] },
      pack: false,
      ...strange,
    };
    const fake = path.join(box.dir, `fake-${count}`);
    writeFileSync(`${fake}.json`, `${JSON.stringify(answer)}\n`);
    writeFileSync(fake, `#!/bin/sh\ncat >/dev/null; cat '${fake}.json'\n`, { mode: 0o755 });
    writeFileSync(path.join(installDevenv(box), '.ok'), `${fake}\n`);
    try {
      const before = await t.git('for-each-ref');
      const result = await t.run('host', 'pull', 'box');
      expect([result.code, result.stderr]).toEqual([5, expect.stringContaining('no devenv would make')]);
      expect(await t.git('for-each-ref')).toBe(before);
    } finally {
      installDevenv(box);
    }
  });

  it('one who does not have the repository, or another kind of it, says so', async () => {
    const t = await hostCase({ box, path: `none${count++}` });
    const none = await t.run('host', 'pull', 'box');
    expect([none.code, none.stderr]).toEqual([
      3,
      expect.stringMatching(/box: .*none\d+ is no git repository/),
    ]);
    expect(none.stderr).toContain('devenv host push box');
    await t.sure('host', 'push', 'box');
    rmSync(path.join(t.dir, '.git'), { recursive: true });
    await t.git('init', '-q', '--object-format=sha256');
    const other = await t.run('host', 'pull', 'box');
    expect([other.code, other.stderr]).toEqual([
      3,
      expect.stringContaining('is a sha1 repository, this one is sha256'),
    ]);
  });

  it('a shallow repository there with commits of which the history is not here', async () => {
    const t = await pushed();
    const far = await hostCase({ box, path: `shallow${count++}` });
    await t.gitThere('commit', '-q', '--allow-empty', '-m', 'One');
    await t.gitThere('commit', '-q', '--allow-empty', '-m', 'Two');
    await box.there(['git', 'clone', '-q', '--depth=1', `file://${t.there}`, far.there]);
    const result = await far.run('host', 'pull', 'box');
    expect([result.code, result.stderr]).toEqual([
      3,
      expect.stringContaining('builds on commits that are missing here'),
    ]);
    expect(await far.git('for-each-ref', 'refs/devenv/hosts')).toBe('');
  });
});

describe('names of what was pulled', () => {
  it.each([
    [['diff', 'elsewhere/last'], 4, /nothing was brought from elsewhere yet/],
    [['checkpoints', '--from', 'elsewhere'], 4, /nothing was brought from elsewhere yet/],
    [['rollback', 'box/checkpoint-3'], 4, /there is no checkpoint box\/checkpoint-3/],
    [['checkpoint', 'pin', 'box/last'], 2, /was brought from another machine/],
    [['bisect', '--run', 'true', '--good', 'box/last'], 2, /stands in no line with those of here/],
    [['checkpoints', '--from', 'box', '--trash'], 2, /do not go together/],
  ])('%j is refused with words', async (args, code, words) => {
    const t = await shared();
    const result = await t.run(...args);
    expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(words)]);
  });
});

let one: Promise<HostCase> | undefined;
function shared(): Promise<HostCase> {
  one ??= (async () => {
    const t = await pushed();
    await checkpointThere(t, 'one\n');
    await t.sure('host', 'pull', 'box');
    return t;
  })();
  return one;
}
