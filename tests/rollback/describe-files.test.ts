import { expect, test } from 'vitest';
import { describeFiles } from '../../src/rollback/index.ts';

test.each<[readonly string[], readonly string[], string]>([
  [['a'], [], 'a put back'],
  [[], ['b'], 'b deleted'],
  [['a', 'c'], ['b'], 'a, c put back and b deleted'],
  [['a', 'c', 'd'], ['b'], '3 files put back and 1 file deleted'],
  [[], ['a', 'b', 'c', 'd'], '4 files deleted'],
  [[], [], 'no file changed'],
  [['a\u001B[2Jb'], [], '"a\\033[2Jb" put back'],
])('written %j, deleted %j: %s', (written, deleted, says) => {
  expect(describeFiles({ written, deleted })).toBe(says);
});
