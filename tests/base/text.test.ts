import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatDuration,
  formatTable,
  nearest,
  parseDuration,
  parseSize,
  plural,
  run,
  shellQuote,
  showText,
} from '../../src/base/index.ts';

describe('text', () => {
  it.each([
    ['two\nlines, \u001B[31mred\u001B[0m', [], 'two\nlines, \u001B[31mred\u001B[0m'],
    ['a\u001B[2Jb\u0007\r\u202E', [], 'a\\033[2Jb\\007\\r\\342\\200\\256'],
    ['cannot read /x\ny/z/f:\nwhy', ['/x\ny/z'], 'cannot read /x\\ny/z/f:\nwhy'],
    ['in /h/\u001B[31mred/f', ['/h/\u001B[31mred/deeper'], 'in /h/\\033[31mred/f'],
  ])('showText(%j) with the folders %j is %j', (text, places, shown) =>
    expect(showText(text, places)).toBe(shown),
  );

  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['30', 30_000],
    [30, 30_000],
    ['', undefined],
    ['10 parsecs', undefined],
    ['-5s', undefined],
  ])('parseDuration(%j) is %j', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each([
    ['512', 512],
    ['20kB', 20 * 1024],
    ['20MB', 20 * 1024 ** 2],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['much', undefined],
  ])('parseSize(%j) is %j', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each([
    [12, '12ms'],
    [3210, '3.2s'],
    [245_000, '4m 05s'],
    [7_800_000, '2h 10m'],
    [277_200_000, '3d 5h'],
  ])('formatDuration(%j) is %j', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    [100, 'just now'],
    [61_000, '1m ago'],
    [90_000_000, '1d ago'],
  ])('formatAge(%j) is %j', (ms, text) => expect(formatAge(ms)).toBe(text));

  it.each([
    ['comand', 'command'],
    ['Unit', 'unit'],
    ['xyzzy', undefined],
  ])('nearest(%j) is %j', (word, found) => expect(nearest(word, ['command', 'unit', 'e2e'])).toBe(found));

  it('columns line up, whatever the width of their letters', () => {
    expect(
      formatTable([
        ['a', '商店', 'x'],
        ['bbb', 'c', 'y'],
      ]),
    ).toBe('a    商店  x\nbbb  c     y');
    expect(plural(1, 'file')).toBe('1 file');
    expect(plural(0, 'file')).toBe('0 files');
  });

  it('a quoted word is one word of the shell, whatever it holds', async () => {
    const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 5 }), async (words) => {
        const result = await run(['sh', '-c', `printf '%s\\0' ${words.map(shellQuote).join(' ')}`]);
        expect(result.stdout.split('\0').slice(0, -1)).toEqual(
          words.map((text) => Buffer.from(text).toString()),
        );
      }),
      { numRuns: 40 },
    );
  });
});
