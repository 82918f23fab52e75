import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHost, encodeHost } from '../../src/checkpoint/names.ts';
import { comparePulled, pulledName, splitPulled } from '../../src/checkpoint/pulled.ts';
import { hasSecret, mayTell } from '../../src/remote/code/local.ts';
import { run } from '../../src/base/index.ts';

describe('a host as a part of a ref', () => {
  it.each([
    ['box', 'box'],
    ['dev@box.example', 'dev@box.example'],
    ['ssh://dev@[::1]:2222', 'ssh%3A%2F%2Fdev@%5B%3A%3A1%5D%3A2222'],
    ['.a..b.lock', '%2Ea%2E.b%2Elock'],
    ['end.', 'end%2E'],
    ['a@{b}', 'a@%7Bb%7D'],
    ['Bücher', 'B%C3%BCcher'],
  ])('%s is %s', (host, part) => {
    expect(encodeHost(host)).toBe(part);
    expect(decodeHost(part)).toBe(host);
  });

  it('git takes any host so, and it comes back as it was', async () => {
    const hosts = fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), 15);
    for (const host of [...hosts, '@', '-', 'a.lock', '..', '%', '%2F', 'x.lock.lock']) {
      const ref = `refs/devenv/hosts/${encodeHost(host)}/present`;
      expect([host, (await run(['git', 'check-ref-format', ref])).code]).toEqual([host, 0]);
      expect(decodeHost(encodeHost(host))).toBe(host);
    }
  });
});

describe('names of what was pulled', () => {
  it.each([
    ['refs/devenv/hosts/box/checkpoint-20260102-030405', 'box/checkpoint-20260102-030405'],
    ['refs/devenv/hosts/ssh%3A%2F%2Fbox/present', 'ssh://box/present'],
    ['refs/devenv/hosts/box/heads/checkpoint-20260102-030405', undefined],
    ['refs/devenv/checkpoints/checkpoint-20260102-030405', undefined],
  ])('%s is called %s', (ref, name) => expect(pulledName(ref)).toBe(name));

  it.each([
    ['box/last', 'box', 'last'],
    ['ssh://box/-1', 'ssh://box', '-1'],
    ['checkpoint-20260102-030405', undefined, 'checkpoint-20260102-030405'],
    ['undo/3', undefined, 'undo/3'],
    ['refs/tags/checkpoint-1', undefined, 'refs/tags/checkpoint-1'],
    ['tags/checkpoint-1', undefined, 'tags/checkpoint-1'],
    ['/x', undefined, '/x'],
  ])('%s is %s of %s', (name, host, rest) => expect(splitPulled(name)).toEqual({ host, rest }));

  it('come in the order of time, the present last', () => {
    const names = [
      'b/checkpoint-20260102-030405-10',
      'b/present',
      'b/checkpoint-20260102-030405-9',
      'b/checkpoint-20260102-030405',
    ];
    expect(names.toSorted(comparePulled)).toEqual([names[3], names[2], names[0], names[1]]);
  });
});

describe('the URL of a remote', () => {
  it.each([
    ['git@forge.example:team/shop.git', true, false],
    ['ssh://git@forge.example/shop.git', true, false],
    ['https://forge.example/shop.git', true, false],
    ['forge:shop.git', true, false],
    ['https://bot:secret@forge.example/shop.git', false, true],
    ['https://ghp_token@forge.example/shop.git', false, true],
    ['ssh://git:secret@forge.example/shop.git', false, true],
    ['https://forge.example/shop.git?private_token=x', false, true],
    ['ssh://git@forge.example/shop.git?access_token=x', false, true],
    ['/srv/git/shop.git', false, false],
    ['../shop', false, false],
    ['file:///srv/git/shop.git', false, false],
    ['ext::sh -c whoami', false, false],
    ['C:\\git\\shop', false, false],
  ])('%s: told %s, secret %s', (url, told, secret) => {
    expect([mayTell(url), hasSecret(url)]).toEqual([told, secret]);
  });
});
