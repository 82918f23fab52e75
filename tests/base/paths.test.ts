import { userInfo } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { cacheDir, configBase, configDir, findHome, stateDir } from '../../src/base/index.ts';

const known = userInfo().homedir;

test.each([
  ['unset', {}],
  ['empty', { HOME: '' }],
  ['relative', { HOME: 'home/me' }],
  ['a dot', { HOME: '.' }],
])('HOME %s: nothing is kept in the folder one happens to be in', (_, env) => {
  expect(findHome(env)).toBe(known);
  expect(stateDir(env)).toBe(path.join(known, '.local/state/devenv'));
  expect(cacheDir(env)).toBe(path.join(known, '.cache/devenv'));
  expect(configDir(env)).toBe(path.join(known, '.config/devenv'));
});

test.each(['', 'state', './state', '../state'])('an XDG variable of %j counts as unset', (value) => {
  const env = { HOME: '/home/me', XDG_STATE_HOME: value, XDG_CACHE_HOME: value, XDG_CONFIG_HOME: value };
  expect(stateDir(env)).toBe('/home/me/.local/state/devenv');
  expect(cacheDir(env)).toBe('/home/me/.cache/devenv');
  expect(configDir(env)).toBe('/home/me/.config/devenv');
  expect(configBase(env)).toBe('/home/me/.config');
});

test('absolute ones count, without a HOME too', () => {
  expect(stateDir({ HOME: 'x', XDG_STATE_HOME: '/s' })).toBe('/s/devenv');
  expect(findHome({ HOME: '/home/me' })).toBe('/home/me');
});
