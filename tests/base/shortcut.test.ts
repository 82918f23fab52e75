import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readShortcut, writeShortcut } from '../../src/base/index.ts';
import { tempDir } from '../support/temp.ts';

test('what was written is read, also when it is shorter than before; the file stays the same one', () => {
  const file = path.join(tempDir('shortcut'), 'deep/er/known.json');
  expect(readShortcut(file)).toBeUndefined();
  writeShortcut(file, { files: Array.from({ length: 2000 }, (_, n) => `name ${n}`), note: 'naïve ✓' });
  const { ino, mode } = statSync(file);
  expect(mode & 0o777).toBe(0o600);
  for (const value of [{ note: 'naïve ✓' }, {}, { a: [1, null, 'x y'] }]) {
    writeShortcut(file, value);
    expect(readShortcut(file)).toEqual(value);
  }
  expect(statSync(file).ino).toBe(ino);
});

test('one that is half written, or of two writers, is not believed', () => {
  const file = path.join(tempDir('shortcut'), 'known.json');
  const text = (value: object): string => {
    writeShortcut(file, value);
    return readFileSync(file, 'utf8');
  };
  const [old, fresh] = [text({ tree: 'a'.repeat(40), n: 1 }), text({ tree: 'b'.repeat(40), n: 2 })];
  for (let at = 1; at < fresh.length; at++) {
    const torn = [fresh.slice(0, at), fresh.slice(0, at) + old.slice(at), fresh + old.slice(-at)];
    for (const one of torn.filter((some) => some !== old && some !== fresh)) {
      writeFileSync(file, one);
      expect([one, readShortcut(file)]).toEqual([one, undefined]);
    }
  }
  writeFileSync(file, '');
  expect(readShortcut(file)).toBeUndefined();
});

test('where it cannot be written, nothing is said', () => {
  const dir = tempDir('shortcut');
  mkdirSync(path.join(dir, 'known.json'));
  writeShortcut(path.join(dir, 'known.json'), {});
  writeFileSync(path.join(dir, 'file'), '');
  writeShortcut(path.join(dir, 'file/known.json'), {});
  chmodSync(dir, 0o500);
  expect(readShortcut(path.join(dir, 'known.json'))).toBeUndefined();
  chmodSync(dir, 0o700);
});
