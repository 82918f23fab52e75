import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crontabLines, crontabWord, readBlocks, withBlock, withoutBlock } from '../../src/cron/block.ts';

const block = (id: string, ...lines: string[]): string =>
  [`# >>> devenv:${id} (managed, v1) >>>`, ...lines, `# <<< devenv:${id} <<<`, ''].join('\n');
const mine = ['17 4 * * * /s/a/nightly', '@reboot /s/a/nightly --if-missed'];
const old = '5 5 * * 1 /s/a/nightly';

describe('a block is put in', () => {
  test.each([
    ['an empty crontab', '', block('a', ...mine)],
    ['after foreign lines', '# x\n5 5 * * * y\n', `# x\n5 5 * * * y\n${block('a', ...mine)}`],
    ['after a line that is not ended', '5 5 * * * y', `5 5 * * * y\n${block('a', ...mine)}`],
    ['in the place of the one before', `x\n${block('a', old)}y\n`, `x\n${block('a', ...mine)}y\n`],
    ['beside another project', block('b', 'b'), block('b', 'b') + block('a', ...mine)],
    ['where it is already', `x\n${block('a', ...mine)}`, `x\n${block('a', ...mine)}`],
    [
      'before what somebody put into the one there',
      `x\n${block('a', old, '3 3 * * * MINE \xe9 ', '', '# mine')}y`,
      `x\n${block('a', ...mine)}3 3 * * * MINE \xe9 \n# mine\ny`,
    ],
    ['with the lines of Windows around it', 'x\r\ny\r\n', `x\r\ny\r\n${block('a', ...mine)}`],
  ])('%s', (_, before, after) => {
    expect(withBlock(before, 'a', mine)).toBe(after);
  });
});

test.each([
  ['only our lines go', `x\n${block('a', ...mine)}y\n`, 'x\ny\n'],
  ['another project stays', block('b', 'b') + block('a', ...mine), block('b', 'b')],
  ['nothing is left: an empty crontab', block('a', ...mine), ''],
  ['what somebody put into it stays', `x\n${block('a', ...mine, 'MINE')}y\n`, 'x\nMINE\ny\n'],
  ['there is none', 'x\n', 'x\n'],
])('a block is taken out: %s', (_, before, after) => {
  expect(withoutBlock(before, 'a')).toBe(after);
});

describe('markers that do not match', () => {
  test.each([
    ['no end', '# >>> devenv:a (managed, v1) >>>\n17 4 * * * /x\n', 1],
    ['no beginning', 'x\n# <<< devenv:a <<<\n', 2],
    ['an end of another', '# >>> devenv:a (managed, v1) >>>\n# <<< devenv:b <<<\n', 2],
    ['one in another', '# >>> devenv:a (managed, v1) >>>\n# >>> devenv:b (managed, v1) >>>\n', 2],
    ['the same twice', block('a', 'x') + block('a', 'y'), 4],
    ['an edited one', '#>>> devenv:a (managed, v1)\nx\n# <<< devenv:a <<<\n', 1],
    ['one of a later version', '# >>> devenv:a (managed, v2) >>>\nx\n# <<< devenv:a <<<\n', 1],
  ])('%s: refused, with the line', (_, text, line) => {
    const refusal = expect.objectContaining({
      code: 'refused',
      message: expect.stringContaining(`line ${line}:`),
      hint: expect.stringContaining('nothing was written'),
    });
    for (const change of [() => withBlock(text, 'a', mine), () => withoutBlock(text, 'a')])
      expect(change).toThrow(refusal);
  });
});

test('whatever stands around it stays, byte for byte', () => {
  const foreign = fc
    .array(fc.uint8Array({ maxLength: 20 }))
    .map((lines) => lines.map((line) => `${Buffer.from(line).toString('latin1').replaceAll('\n', ' ')}\n`));
  fc.assert(
    fc.property(foreign, foreign, fc.boolean(), (above, below, known) => {
      const text = above.join('') + (known ? block('a', old) : '') + below.join('');
      const put = withBlock(text, 'a', mine);
      expect(withoutBlock(put, 'a')).toBe(above.join('') + below.join(''));
      expect(withBlock(put, 'a', mine)).toBe(put);
      expect(readBlocks(put)).toMatchObject([{ id: 'a', lines: mine }]);
    }),
  );
});

describe('a path in a crontab', () => {
  test.each([
    ['/home/a/x', '/home/a/x'],
    ['/home/a b/x', "'/home/a b/x'"],
    ["/home/it's/x", "'/home/it'\\''s/x'"],
    ['/home/100%/x', "'/home/100\\%/x'"],
    ['/home/$HOME/`x`', "'/home/$HOME/`x`'"],
    ['/home/é', `'${Buffer.from('/home/é').toString('latin1')}'`],
  ])('%s', (path, word) => {
    expect(crontabWord(path)).toBe(word);
  });

  test.each(['/a\nb', '/a\\b', '/a\rb'])('%j cannot be held', (path) => {
    expect(() => crontabLines(path, 4, 17)).toThrow(/cannot hold this path/);
  });

  test('two lines, hour and minute in their places', () => {
    expect(crontabLines('/x', 4, 17)).toEqual(['17 4 * * * /x', '@reboot /x --if-missed']);
  });
});
