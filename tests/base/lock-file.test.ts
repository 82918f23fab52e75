import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeLockFile } from '../../src/base/index.ts';
import { tempDir } from '../support/temp.ts';

test('a lock file is made once, and tells whose it is', () => {
  const file = path.join(tempDir(), 'lock');
  expect(makeLockFile(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(String(process.pid));
  expect(makeLockFile(file)).toBe(false);
});

test('on a full disk none stays', ({ skip }) => {
  const dir = tempDir();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', dir]).status !== 0)
    skip('no right to mount here');
  try {
    const fill = path.join(dir, 'fill');
    expect(() => {
      for (let n = 1; ; n++) writeFileSync(fill, 'x'.repeat(n * 4096));
    }).toThrow('ENOSPC');
    expect(() => makeLockFile(path.join(dir, 'lock'))).toThrow('ENOSPC');
    expect(existsSync(path.join(dir, 'lock'))).toBe(false);
  } finally {
    spawnSync('umount', ['-l', dir]);
  }
});
