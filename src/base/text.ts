import { stripVTControlCharacters } from 'node:util';
import { distance } from 'fastest-levenshtein';
import { displayWidth } from './width.ts';

/** Parses `250ms`, `10s`, `5m`, `2h`, `1d` (or a bare number of seconds) to milliseconds; undefined when it is neither. */
export function parseDuration(text: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(String(text).trim());
  if (!match) return undefined;
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] ?? 's'];
  return unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** Parses `512`, `20kB`, `20MB`, `2GB` (powers of 1024) to bytes; undefined when it is no size. */
export function parseSize(text: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?b?$/i.exec(String(text).trim());
  if (!match) return undefined;
  const power = ['', 'k', 'm', 'g'].indexOf((match[2] ?? '').toLowerCase());
  return Math.round(Number(match[1]) * 1024 ** power);
}

/** Bytes as a person reads them: `12.3 MB`. */
export function formatSize(bytes: number): string {
  const [size, unit] =
    bytes < 1024
      ? [bytes, 'bytes']
      : bytes < 1024 * 1024
        ? [bytes / 1024, 'KB']
        : [bytes / 1024 / 1024, 'MB'];
  return `${Math.floor(size * 10) / 10} ${unit}`;
}

/** `850ms`, `3.2s`, `4m 05s`, `2h 10m`, `3d 4h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}s`;
  const s = Math.round(ms / 1000);
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, '0')}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3600)}h`;
}

const ageSteps: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
];

/** `just now`, `12s ago`, `5m ago`, `3h ago`, `2d ago`. */
export function formatAge(ms: number): string {
  if (ms < 2000) return 'just now';
  const [size, unit] = ageSteps.find(([step]) => ms >= step) ?? [1000, 's'];
  return `${Math.floor(ms / size)}${unit} ago`;
}

/** The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the finger. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of candidates) {
    const edits = distance(word.toLowerCase(), name.toLowerCase());
    const allowed = Math.max(1, Math.floor(Math.max(word.length, name.length) / 3));
    if (
      (edits <= allowed || (edits === 2 && sameLetters(word, name))) &&
      edits < (best?.distance ?? Infinity)
    )
      best = { name, distance: edits };
  }
  return best?.name;
}

/** What to say to a name that is none of these: the nearest, else all of them, else what is said of none. */
export function nameHint(word: string, known: readonly string[], none = 'there are none'): string {
  const near = nearest(word, known);
  if (near) return `did you mean ${near}?`;
  return known.length > 0 ? `there are: ${[...new Set(known)].join(', ')}` : none;
}

/** Two letters swapped (`wbe`) count as one slip. */
function sameLetters(a: string, b: string): boolean {
  const sorted = (text: string): string => text.toLowerCase().split('').sort().join('');
  return sorted(a) === sorted(b);
}

/** A text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Rows as columns, each as wide as its widest cell; ANSI colours do not count. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  // Measured once, and put together without a list in between: there can be thousands of rows.
  const measured = rows.map((row) => row.map(visibleWidth));
  const widths: number[] = [];
  for (const row of measured) row.forEach((width, i) => (widths[i] = Math.max(widths[i] ?? 0, width)));
  const lines = rows.map((row, n) => {
    let line = '';
    row.forEach((cell, i) => {
      const missing = (widths[i] ?? 0) - (measured[n]?.[i] ?? 0);
      line += i === row.length - 1 ? cell : `${cell}${' '.repeat(missing)}  `;
    });
    return line.trimEnd();
  });
  return lines.join('\n');
}

function visibleWidth(cell: string): number {
  return displayWidth(cell.includes('\u001B') || cell.includes('\u009B') ? stripAnsi(cell) : cell);
}

/** A text without terminal escapes (colours, cursor, titles). */
export const stripAnsi = stripVTControlCharacters;

// oxlint-disable-next-line no-control-regex
const openEscape = /\u001B(?:[()]|\[[0-?]*[ -/]*|\][^\u0007\u001B\n]*)?$/;

/** Passes on text that comes in pieces without its terminal escapes, also where one is cut in two. */
export function withoutEscapes(write: (text: string) => void): (piece: string) => void {
  let rest = '';
  return (piece) => {
    const text = rest + piece;
    const [open = ''] = openEscape.exec(text) ?? [];
    rest = open;
    write(stripAnsi(text.slice(0, text.length - open.length)));
  };
}

/** `1 file`, `3 files`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

// Control characters (escape sequences, line breaks), and those that turn the direction of a line round.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/;
const letters: Readonly<Record<string, string>> = { '\n': 'n', '\t': 't', '\r': 'r', '"': '"', '\\': '\\' };

// As above, without what a message is laid out with: line breaks, tabs and colours.
// oxlint-disable-next-line no-control-regex
const unspeakable = /\u001B\[[\d;]*m|[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g;

/**
 * A message for people that does nothing to a terminal: control characters are written as `showName` does. Line
 * breaks and colours stay, since messages have some of their own, but not those in the names of the given folders.
 */
export function showText(text: string, places: readonly string[] = []): string {
  const odd = new Set(places.flatMap((place) => place.split('/')).filter((name) => unprintable.test(name)));
  let shown = text;
  for (const name of odd) shown = shown.replaceAll(`/${name}`, `/${escaped(name)}`);
  return shown.replace(unspeakable, (part) => (part.length > 1 ? part : escaped(part)));
}

/**
 * A file name for people: as it is, or in quotes, as git writes it when it would do something to a terminal, when it
 * begins or ends with a space that nobody would see.
 */
export function showName(name: string): string {
  if (!unprintable.test(name) && name === name.trim()) return name;
  return `"${escaped(name)}"`;
}

function escaped(name: string): string {
  const chars = Array.from(name, (char) => {
    const letter = letters[char];
    if (letter !== undefined) return `\\${letter}`;
    return unprintable.test(char) ? octal(char) : char;
  });
  return chars.join('');
}

const octal = (char: string): string =>
  Array.from(Buffer.from(char, 'utf8'), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
