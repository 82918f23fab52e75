import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/index.ts';
import {
  fingerprintOf,
  hashName,
  isAbout,
  judgeKey,
  keyTypeOf,
  knownName,
  matchesPatterns,
  readKnownHosts,
} from '../../src/remote/known-hosts.ts';
import { tempDir } from '../support/temp.ts';

const dir = tempDir('known');
const publicKey = (name: string): string =>
  readFileSync(path.join(dir, `${name}.pub`), 'utf8')
    .split(' ')
    .slice(0, 2)
    .join(' ');
const blob = (name: string): Buffer => Buffer.from(publicKey(name).split(' ')[1] ?? '', 'base64');

beforeAll(async () => {
  for (const [name, type] of [
    ['a', 'ed25519'],
    ['b', 'ed25519'],
    ['e', 'ecdsa'],
  ] as const)
    await run(['ssh-keygen', '-q', '-t', type, '-N', '', '-C', name, '-f', path.join(dir, name)]);
});

describe('the lines of known_hosts', () => {
  it('reads what ssh-keygen -H hashed, and finds what ssh-keygen -F finds', async () => {
    const file = path.join(dir, 'hashed');
    writeFileSync(
      file,
      `box ${publicKey('a')}\n[box]:2222 ${publicKey('b')}\nBox2.Example ${publicKey('e')}\n`,
    );
    await run(['ssh-keygen', '-H', '-f', file]);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('box');
    const lines = readKnownHosts(text, file);
    const found = (name: string): readonly number[] =>
      lines.filter((line) => isAbout(line.hosts, name)).map((line) => line.line);
    for (const name of ['box', '[box]:2222', 'box2.example', 'bo', '[box]:22', 'box2.exampl']) {
      const asked = await run(['ssh-keygen', '-F', name, '-f', file]);
      const theirs = Array.from(asked.stdout.matchAll(/found: line (\d+)/g), (match) => Number(match[1]));
      expect({ name, lines: found(name) }).toEqual({ name, lines: theirs });
    }
  });

  it('hashes a name as ssh-keygen reads it', async () => {
    const file = path.join(dir, 'own-hash');
    writeFileSync(file, `${hashName('[Box]:2222', Buffer.alloc(20, 7))} ${publicKey('a')}\n`);
    expect((await run(['ssh-keygen', '-F', '[box]:2222', '-f', file])).ok).toBe(true);
    expect((await run(['ssh-keygen', '-F', 'box', '-f', file])).ok).toBe(false);
  });

  it.each([
    ['box', 'box', true],
    ['box,10.0.0.1', '10.0.0.1', true],
    ['*.example', 'a.example', true],
    ['*.example,!b.example', 'b.example', false],
    ['!b.example,*.example', 'b.example', false],
    ['!b.example', 'a.example', false],
    ['b?x', 'box', true],
    ['b?x', 'bx', false],
    ['[box]:2222', 'box', false],
    ['box', '[box]:2222', false],
    ['a.b', 'axb', false],
  ])('%s about %s: %s', (hosts, name, yes) => {
    expect(isAbout(hosts, name)).toBe(yes);
    expect(matchesPatterns(hosts.split(','), name)).toBe(yes);
  });

  it('leaves out comments, broken lines and unknown marks, and keeps numbers of lines', () => {
    const text = [
      '# comment',
      '',
      `  box   ${publicKey('a')} a comment of words`,
      'box ssh-ed25519 AAAA',
      `box ssh-rsa ${publicKey('a').split(' ')[1] ?? ''}`,
      'box 1024 35 1234567890',
      `@strange box ${publicKey('a')}`,
      `@revoked * ${publicKey('b')}`,
      `@cert-authority *.example ${publicKey('e')}\r`,
    ].join('\n');
    expect(readKnownHosts(text, 'f').map(({ line, mark, hosts }) => [line, mark, hosts])).toEqual([
      [3, undefined, 'box'],
      [8, 'revoked', '*'],
      [9, 'cert-authority', '*.example'],
    ]);
  });

  it('shows a fingerprint as ssh-keygen -l does', async () => {
    const theirs = await run(['ssh-keygen', '-l', '-f', path.join(dir, 'a.pub')]);
    expect(theirs.stdout.split(' ')[1]).toBe(fingerprintOf(blob('a')));
    expect(keyTypeOf(blob('e'))).toBe('ecdsa-sha2-nistp256');
    expect(keyTypeOf(Buffer.from([255, 255, 255, 255, 1]))).toBe('');
    expect([knownName('Box', 22), knownName('Box', 2222)]).toEqual(['box', '[box]:2222']);
  });
});

describe('the verdict on a shown key', () => {
  const lines = (...given: readonly string[]) => readKnownHosts(given.join('\n'), 'f');
  it.each([
    ['known', () => lines(`box ${publicKey('a')}`)],
    ['known', () => lines(`box ${publicKey('b')}`, `box ${publicKey('a')}`)],
    ['unknown', () => []],
    ['unknown', () => lines(`@cert-authority box ${publicKey('a')}`)],
    ['changed', () => lines(`box ${publicKey('b')}`)],
    ['changed', () => lines(`box ${publicKey('e')}`)],
    ['revoked', () => lines(`@revoked * ${publicKey('a')}`)],
    ['revoked', () => lines(`box ${publicKey('a')}`, `@revoked * ${publicKey('a')}`)],
    ['known', () => lines(`box ${publicKey('a')}`, `@revoked * ${publicKey('b')}`)],
  ] as const)('%s', (kind, about) => {
    expect(judgeKey(blob('a'), about()).kind).toBe(kind);
  });

  it('names the line that another key stands in, of the same type first', () => {
    const about = lines(`box ${publicKey('e')}`, `box ${publicKey('b')}`);
    expect(judgeKey(blob('a'), about)).toMatchObject({ kind: 'changed', by: { line: 2 } });
  });
});
