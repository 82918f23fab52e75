import { parseDuration, parseSize } from '../base/index.ts';
import { placeIn } from './document.ts';
import { didYouMean, wordMeant, type Problem } from './problems.ts';

type Path = readonly (string | number)[];
type Scalar = string | number | boolean;

/**
 * Reads values after `${...}` was replaced: what the schema could not judge yet is judged here. Each method
 * notes a problem at the value's place and goes on (a number is NaN then), so that all are found at once.
 */
export interface Reader {
  readonly problems: Problem[];
  problem(path: Path, message: string): void;
  /** A time that something waits or may take: at most what a timer of Node can hold, 24.8 days. */
  durationMs(path: Path, value: Scalar): number;
  /** What is ended after it: zero, which many mean as no limit, would end it at once. */
  timeoutMs(path: Path, value: Scalar): number;
  /** How long something is kept: any time. */
  ageMs(path: Path, value: Scalar): number;
  bytes(path: Path, value: Scalar): number;
  /** A number within limits; `whole` allows no fraction. */
  number(
    path: Path,
    value: Scalar,
    limits: { readonly min: number; readonly max: number; readonly whole: boolean },
  ): number;
  word<const T extends string>(path: Path, value: string, words: readonly [T, ...T[]]): T;
}

/** A longer one fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** A reader that tells places by this map. */
export function createReader(at: Readonly<Record<string, string>>, fallback: string): Reader {
  const problems: Problem[] = [];
  const problem = (path: Path, message: string): void => {
    problems.push({ at: placeIn(at, path) ?? fallback, message });
  };
  const judged = (path: Path, value: Scalar, parsed: number | undefined, what: string): number => {
    if (parsed !== undefined) return parsed;
    problem(path, `${path.join('.')} must be ${what}, not ${JSON.stringify(value)}`);
    return NaN;
  };
  const ageMs = (path: Path, value: Scalar): number =>
    judged(path, value, parseDuration(String(value)), 'a duration such as 250ms, 10s, 5m or 1h');
  const durationMs = (path: Path, value: Scalar): number => {
    const ms = ageMs(path, value);
    return judged(path, value, ms > longestTimerMs ? undefined : ms, 'at most 24d');
  };
  return {
    problems,
    problem,
    ageMs,
    durationMs,
    timeoutMs: (path, value) => {
      const ms = durationMs(path, value);
      return judged(path, value, ms === 0 ? undefined : ms, 'more than 0, at most 24d');
    },
    bytes: (path, value) =>
      judged(path, value, parseSize(String(value)), 'a size such as 512kB, 20MB or 2GB'),
    number: (path, value, { min, max, whole }) => {
      const number = typeof value === 'string' && value.trim() === '' ? NaN : Number(value);
      const fits = number >= min && number <= max && (!whole || Number.isInteger(number));
      const kind = whole ? 'a whole number' : 'a number';
      return judged(
        path,
        value,
        fits ? number : undefined,
        max === Infinity ? `${kind}, ${min} or more` : `${kind} from ${min} to ${max}`,
      );
    },
    word: <const T extends string>(path: Path, value: string, words: readonly [T, ...T[]]): T => {
      const found = words.find((word) => word === value);
      if (found === undefined)
        problem(
          path,
          `${path.join('.')} must be one of ${words.join(', ')}, not ${JSON.stringify(value)}${didYouMean(wordMeant(value, words))}`,
        );
      return found ?? words[0];
    },
  };
}

/** A value that may be written alone or as a list. */
export function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  const isList = (given: T | readonly T[]): given is readonly T[] => Array.isArray(given);
  return isList(value) ? value : [value];
}
