import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/index.ts';
import { cleanText, readLogs, type LogLine, type ReadLogsInput } from '../../src/logs/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const entry = (ms: number, text: string): string => `${iso(ms)} ${text}\n`;

async function read(dir: string, more: Partial<ReadLogsInput> = {}): Promise<string[]> {
  const lines: LogLine[] = [];
  const signal = new AbortController().signal;
  for await (const batch of readLogs({ dir, signal, clock: systemClock, ...more })) lines.push(...batch);
  return lines.map(({ window, text }) => `${window}:${text}`);
}

function logs(files: Readonly<Record<string, string>>): string {
  const dir = tempDir('logs');
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(dir, name), content);
  return dir;
}

describe('reading', () => {
  const dir = logs({
    'api.log.2': entry(1000, 'a1'),
    'api.log.1': entry(3000, 'a2') + entry(3000, 'a3'),
    'api.log': `${entry(5000, 'a4')}no time here\n${iso(9000)} open`,
    'ui.log': entry(2000, 'u1') + entry(3000, 'u2') + entry(6000, 'u3'),
    'ui.1.log': entry(4000, 'second pane'),
    '.root': '/x',
    'notes.txt': 'not a log',
  });
  const all = [
    'api:a1',
    'ui:u1',
    'api:a2',
    'api:a3',
    'ui:u2',
    'ui:second pane',
    'api:a4',
    'api:no time here',
    'ui:u3',
    'api:open',
  ];

  test.each<[string, Partial<ReadLogsInput>, readonly string[]]>([
    ['everything, in order of time', {}, all],
    ['the last lines', { lines: 4 }, all.slice(-4)],
    ['more lines than there are', { lines: 1000 }, all],
    ['no lines', { lines: 0 }, []],
    ['since', { sinceMs: 4000 }, all.slice(5)],
    ['since and last', { sinceMs: 4000, lines: 3 }, all.slice(-3)],
    ['one window', { wants: (w) => w === 'ui' }, all.filter((l) => l.startsWith('ui'))],
    ['matching', { match: (l) => /\d/.test(l.text) }, all.filter((l) => /\d/.test(l))],
    ['the last that match', { match: (l) => l.text.startsWith('a'), lines: 2 }, ['api:a3', 'api:a4']],
  ])('%s', async (_name, input, expected) => {
    expect(await read(dir, input)).toEqual(expected);
  });

  test('a folder that is not there holds no lines', async () => {
    expect(await read(path.join(dir, 'missing'))).toEqual([]);
  });

  test('the last n lines are the end of all lines, whatever the lengths (property)', async () => {
    const texts = fc.array(
      fc.array(
        fc.string({ maxLength: 12 }).map((s) => s.replace(/\n/g, '')),
        { maxLength: 30 },
      ),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.nat(40), async (files, n) => {
        let time = 0;
        const dir = logs(
          Object.fromEntries(
            files.map((lines, i) => [
              `w${i % 2}.log${i > 1 ? `.${i}` : ''}`,
              lines.map((l) => entry((time += i % 3), l)).join(''),
            ]),
          ),
        );
        const everything = await read(dir, { lines: 1_000_000 });
        expect(await read(dir, { lines: n })).toEqual(n === 0 ? [] : everything.slice(-n));
        expect((await read(dir)).toSorted()).toEqual(everything.toSorted());
      }),
      { numRuns: 30 },
    );
  });

  test('big logs: long lines, the end without reading the rest, and a time by halving', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) =>
      entry(1_000_000 + i, `${i} ${'x'.repeat(i % 50)}`),
    );
    lines[30_000] = entry(1_030_000, 'y'.repeat(700_000));
    const big = logs({ 'api.log': lines.join('') });
    const text = (i: number): string => `api:${lines[i]?.slice(25, -1)}`;
    expect(await read(big, { lines: 2 })).toEqual([text(59_998), text(59_999)]);
    expect((await read(big, { sinceMs: 1_059_000 })).length).toBe(1000);
    const late = await read(big, { sinceMs: 1_029_999 });
    expect(late.length).toBe(30_001);
    expect(late[1]).toBe(text(30_000));
    expect(await read(big, { lines: 30_002 })).toEqual([text(29_998), ...late]);
  });
});

describe('following', () => {
  /** Starts to follow; what has come so far is in `lines`. */
  function follow(dir: string, more: Partial<ReadLogsInput> = {}) {
    const stop = new AbortController();
    const lines: string[] = [];
    const done = (async () => {
      for await (const batch of readLogs({
        dir,
        follow: true,
        signal: stop.signal,
        clock: systemClock,
        lines: 10,
        ...more,
      }))
        lines.push(...batch.map(({ window, text }) => `${window}:${text}`));
    })();
    return {
      lines,
      came: (text: string) => until(text, () => lines.includes(text)),
      end: async () => {
        stop.abort();
        await done;
      },
    };
  }

  test('survives rotations, truncation and new windows, shows no half line, says nothing twice', async () => {
    const dir = logs({ 'api.log': `${entry(1, 'one')}${iso(2)} tw` });
    const file = path.join(dir, 'api.log');
    const f = follow(dir);
    await f.came('api:one');
    appendFileSync(file, `o\n${entry(3, 'three')}`);
    await f.came('api:three');
    // Two rotations at once.
    appendFileSync(file, entry(4, 'four'));
    renameSync(file, `${file}.2`);
    writeFileSync(`${file}.1`, entry(5, 'five'));
    writeFileSync(file, entry(6, 'six'));
    await f.came('api:six');
    truncateSync(file);
    appendFileSync(file, entry(7, '7'));
    await f.came('api:7');
    writeFileSync(path.join(dir, 'ui.log'), entry(8, 'hello'));
    await f.came('ui:hello');
    await f.end();
    expect(f.lines).toEqual([
      'api:one',
      'api:two',
      'api:three',
      'api:four',
      'api:five',
      'api:six',
      'api:7',
      'ui:hello',
    ]);
  });

  test('begins before there is a folder', async () => {
    const dir = path.join(tempDir('logs'), 'later');
    const f = follow(dir);
    mkdirSync(dir);
    writeFileSync(path.join(dir, 'api.log'), entry(1, 'one'));
    await f.came('api:one');
    appendFileSync(path.join(dir, 'api.log'), entry(2, 'two'));
    await f.came('api:two');
    await f.end();
    expect(f.lines).toEqual(['api:one', 'api:two']);
  });
});

describe('what may be shown of a line', () => {
  const red = '\u001b[31mred\u001b[0m';
  test.each([
    ['plain', 'plain', 'plain'],
    ['a\tb', 'a\tb', 'a\tb'],
    [red, 'red', `${red}\u001b[0m`],
    ['\u001b[2J\u001b[Hclear', 'clear', 'clear'],
    ['\u001b[?25lhide', 'hide', 'hide'],
    ['\u001b]0;title\u0007text', 'text', 'text'],
    ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link', 'link'],
    ['\u001bPq#1~\u001b\\sixel', 'sixel', 'sixel'],
    ['10%\r50%\r100%', '100%', '100%'],
    ['done\r', 'done', 'done'],
    ['bell\u0007\b\u0000', 'bell', 'bell'],
    ['cut \u001b[3', 'cut ', 'cut '],
    ['cut \u001b', 'cut ', 'cut '],
    ['\u009b2Jc1', 'c1', 'c1'],
    ['\u001b(Bcharset\u001b=', 'charset', 'charset'],
    ['\u001b[>4;2mkeys', 'keys', 'keys'],
    ['\u001b[38:2::1:2:3mtrue', 'true', '\u001b[38:2::1:2:3mtrue\u001b[0m'],
  ])('%j', (raw, plain, colored) => {
    expect(cleanText(raw, false)).toBe(plain);
    expect(cleanText(raw, true)).toBe(colored);
  });

  test('never lets through anything but text and colours (property)', () => {
    const bits = fc.constantFrom(
      '\u001b',
      '[',
      ']',
      'm',
      '1',
      ';',
      '?',
      'J',
      '\u0007',
      '\\',
      'P',
      '\r',
      'x',
      '\u009b',
      '\u0000',
      ' ',
      'é',
    );
    fc.assert(
      fc.property(fc.string({ unit: bits }), (raw) => {
        expect(cleanText(raw, true).replace(/\u001b\[[\d;:]*m/g, '')).not.toMatch(
          /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/,
        );
        expect(cleanText(raw, false)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
