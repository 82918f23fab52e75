import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lstatSync } from 'node:fs';
import {
  parseDiffs,
  parseStatus,
  quotePath,
  readBlobs,
  readRef,
  repoState,
  scratchWorktree,
  showDiff,
  startImport,
} from '../../src/git/index.ts';
import { makeRepo } from '../checkpoint/repo.ts';

describe('what git says', () => {
  test('status', () => {
    const oid = 'a'.repeat(40);
    const text = [
      `# branch.oid ${oid}`,
      '# branch.head topic',
      `1 .M N... 100644 100644 100755 ${oid} ${oid} with space`,
      `u UU N... 100644 100644 100644 100644 ${oid} ${oid} ${oid} both`,
      '? new\nline',
      '? nested/',
      '',
    ].join('\0');
    expect(parseStatus(text)).toMatchObject({
      head: oid,
      branch: 'topic',
      tracked: [
        { path: 'with space', xy: '.M', diskMode: '100755' },
        { path: 'both', unmerged: true },
      ],
      untracked: ['new\nline', 'nested/'],
    });
    expect(parseStatus('# branch.oid (initial)\0# branch.head (detached)\0')).toMatchObject({
      head: null,
      branch: null,
    });
  });

  test('differences of several pairs, also empty ones', () => {
    const zero = '0'.repeat(40);
    expect(parseDiffs(`abc\0def\n:000000 100644 ${zero} ${zero} A\0a\nb\0ghi\0`)).toEqual([
      [],
      [{ path: 'a\nb', oldMode: '000000', newMode: '100644', oldOid: zero, newOid: zero }],
      [],
    ]);
  });

  test('quoted paths of any bytes are one word', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const quoted = quotePath(Buffer.from(bytes).toString('latin1'));
        expect(quoted).not.toMatch(/[\n]/);
        const back = quoted.startsWith('"')
          ? quoted
              .slice(1, -1)
              .replaceAll(/\\(?:([0-7]{3})|(.))/g, (_, octal?: string, char?: string) =>
                octal ? String.fromCharCode(parseInt(octal, 8)) : (char ?? ''),
              )
          : quoted;
        expect(back).toBe(Buffer.from(bytes).toString('latin1'));
      }),
    );
  });
});

describe('a repository', () => {
  test('refs are found loose and packed', async () => {
    const t = await makeRepo();
    const head = await t.git('rev-parse', 'HEAD');
    expect([await readRef(t.repo, 'HEAD'), await readRef(t.repo, 'refs/heads/none')]).toEqual([
      head,
      undefined,
    ]);
    await t.git('pack-refs', '--all');
    expect(await readRef(t.repo, 'HEAD')).toBe(head);
  });

  test('what git is in the middle of', async () => {
    const t = await makeRepo();
    expect(repoState(t.repo)).toBe('clean');
    await t.git('bisect', 'start');
    expect(repoState(t.repo)).toBe('bisecting');
  });

  test('blobs come back in order, of any size', async () => {
    const t = await makeRepo();
    const contents = [
      Buffer.alloc(0),
      Buffer.from('\n\n'),
      Buffer.alloc(300_000, 'x'),
      Buffer.from([0, 255, 10]),
    ];
    const oids: string[] = [];
    for (const [n, content] of contents.entries()) {
      t.write(`blob${n}`, content);
      oids.push(await t.git('hash-object', '-w', `blob${n}`));
    }
    const got: Buffer[] = [];
    await readBlobs(t.repo, oids, (content) => got.push(Buffer.from(content)));
    expect(got).toEqual(contents);
    await expect(readBlobs(t.repo, ['f'.repeat(40)], () => {})).rejects.toThrow('missing');
  });

  test('differences are shown as text', async () => {
    const t = await makeRepo();
    t.write('a.txt', 'new\n');
    await t.git('commit', '-qam', 'Next');
    const patch = await showDiff(t.repo, { from: 'HEAD~1', to: 'HEAD', shows: 'patch', color: false });
    expect(patch).toContain('-a\n+new');
    expect(await showDiff(t.repo, { from: 'HEAD~1', to: 'HEAD', shows: 'stat', color: true })).toContain(
      '\u001b[',
    );
  });
});

describe('a scratch work tree', () => {
  test('holds the commit, links what is ignored and needed, runs no hook, leaves nothing', async () => {
    const t = await makeRepo({
      files: { 'package.json': '{}', '.gitignore': 'node_modules\n', 'pkg/x.txt': 'x\n' },
    });
    for (const dir of ['node_modules', 'pkg/node_modules', 'vendor']) mkdirSync(path.join(t.dir, dir));
    writeFileSync(path.join(t.dir, 'node_modules/dep.js'), '1');
    writeFileSync(path.join(t.dir, '.git/hooks/post-checkout'), '#!/bin/sh\ntouch hooked\n', { mode: 0o755 });
    const before = await t.git('worktree', 'list');
    let where = '';
    {
      await using scratch = await scratchWorktree(t.repo, 'HEAD', { link: 'auto' });
      where = scratch.path;
      expect(readFileSync(path.join(where, 'pkg/x.txt'), 'utf8')).toBe('x\n');
      expect(readFileSync(path.join(where, 'node_modules/dep.js'), 'utf8')).toBe('1');
      expect(lstatSync(path.join(where, 'pkg/node_modules')).isSymbolicLink()).toBe(true);
      expect(existsSync(path.join(where, 'hooked'))).toBe(false);
    }
    expect(existsSync(where)).toBe(false);
    expect(existsSync(path.join(t.dir, 'node_modules/dep.js'))).toBe(true);
    expect(await t.git('worktree', 'list')).toBe(before);
  });

  test('one of a dead process is removed by the next', async () => {
    const t = await makeRepo();
    await using first = await scratchWorktree(t.repo, 'HEAD', { link: [] });
    const stale = path.join(path.dirname(first.path), '999999999-abcdef01');
    await t.git('worktree', 'add', '-q', '--detach', stale);
    await using second = await scratchWorktree(t.repo, 'HEAD', { link: [] });
    expect([existsSync(stale), existsSync(first.path), existsSync(second.path)]).toEqual([false, true, true]);
    expect(await t.git('worktree', 'list')).not.toContain(stale);
  });
});

test('an import that is given up leaves no half of a pack', async () => {
  const t = await makeRepo();
  const stream = startImport(t.repo);
  await stream.write('blob\nmark :1\ndata 3\none\nget-mark :1\n');
  await stream.line();
  await stream.abort();
  expect(
    readdirSync(path.join(t.repo.gitDir, 'objects/pack')).filter((name) => name.startsWith('tmp')),
  ).toEqual([]);
});
