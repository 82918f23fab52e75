import { constants } from 'node:os';
import { DevenvError, nearest } from '../base/index.ts';

/** Something wrong in a configuration file. `at` is `file:line:column`, or the file alone. */
export interface Problem {
  readonly at: string;
  readonly message: string;
}

/** Throws one 'config' error that tells all problems, one a line in the order of the files; none: returns. */
export function throwProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = [...new Set(problems.toSorted(byPlace).map(({ at, message }) => `${at}: ${message}`))];
  const what = lines.length === 1 ? 'correct that line' : `correct these ${lines.length} lines`;
  throw new DevenvError('config', lines.join('\n'), `${what}; every key is in \`devenv config schema\``);
}

function byPlace(a: Problem, b: Problem): number {
  const [fileA, lineA, columnA] = placeOf(a.at);
  const [fileB, lineB, columnB] = placeOf(b.at);
  return fileA === fileB ? lineA - lineB || columnA - columnB : 0;
}

function placeOf(at: string): [string, number, number] {
  const match = /^(.*):(\d+):(\d+)$/s.exec(at);
  return match ? [match[1] ?? '', Number(match[2]), Number(match[3])] : [at, 0, 0];
}

/** ` (did you mean "x"?)`, or nothing. */
export function didYouMean(found: string | undefined): string {
  return found === undefined ? '' : ` (did you mean "${found}"?)`;
}

/** The word that was meant; a signal may be written without SIG, or as its number. */
export function wordMeant(value: string | number, words: readonly string[]): string | undefined {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const word = String(value);
  return (
    words.find((name) => numbers[name] === Number(word)) ??
    nearest(word, words) ??
    nearest(`SIG${word}`, words)
  );
}
