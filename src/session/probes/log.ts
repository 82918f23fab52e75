import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf, messageOf, stripAnsi } from '../../base/index.ts';
import type { Probe } from './types.ts';

const mostBytes = 1024 * 1024;
const stamp = /^\d{4}-\d\d-\d\dT[\d:.]+Z /;

/** Ready when a line of this start's output matches. */
export const log: Probe<'log'> = async (config, { logFile, logFrom }) => {
  if (logFile === undefined) return { ok: false, detail: 'this pane has no log' };
  const pattern = new RegExp(config.pattern);
  try {
    const found = linesOfThisRun(read(logFile, logFrom)).some((line) => pattern.test(line));
    return {
      ok: found,
      detail: found ? `the log says ${config.pattern}` : `nothing in the log matches ${config.pattern} yet`,
    };
  } catch (error) {
    return { ok: false, detail: errnoOf(error) === 'ENOENT' ? 'no output yet' : messageOf(error) };
  }
};

function read(file: string, from: number): string {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    // A shorter file is a new one: it was rotated.
    const start = size < from ? 0 : from;
    const buffer = Buffer.alloc(Math.min(size - start, mostBytes));
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
  } finally {
    closeSync(fd);
  }
}

/** Lines without stamp and colours, after the last restart that the pane's wrapper announced. */
export function linesOfThisRun(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => stripAnsi(line.replace(stamp, '')));
  const announced = lines.findLastIndex((line) =>
    /^\[devenv\] .*(?:; restarts in |Enter (?:re)?starts it)/.test(line),
  );
  return lines.slice(announced + 1);
}
