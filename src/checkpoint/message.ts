import type { Skipped } from './types.ts';

/** What the message of a snapshot's commit says besides its words. */
export interface Trailers {
  readonly verdict: string;
  readonly tree: string;
  readonly branch: string | null;
  readonly head: string | null;
  readonly reason: string;
  readonly suites?: readonly string[];
  readonly session?: string | undefined;
  readonly skipped: readonly Skipped[];
  readonly partial: boolean;
  readonly files?: number | undefined;
  /** More facts, for snapshots that are not checkpoints (`Devenv-Target`). */
  readonly more?: Readonly<Record<string, string>>;
}

const most = 200;

/** The commit message: a subject, then one trailer a line. */
export function writeMessage(subject: string, trailers: Trailers): string {
  const rows: [string, string | undefined][] = [
    ['Verdict', trailers.verdict],
    ['Tree', trailers.tree],
    ['Branch', trailers.branch ?? undefined],
    ['Head', trailers.head ?? 'none'],
    ['Reason', trailers.reason],
    ['Suites', trailers.suites?.join(', ') || undefined],
    ['Session', trailers.session],
    ['Partial', trailers.partial ? 'true' : undefined],
    ['Files', trailers.files?.toString()],
    ...Object.entries(trailers.more ?? {}),
    ...trailers.skipped
      .slice(0, most)
      .map((skip): [string, string] => ['Skipped', JSON.stringify([skip.path, skip.reason])]),
    // A list that was cut can no longer say what must not be deleted.
    ['Skipped-More', trailers.skipped.length > most ? String(trailers.skipped.length - most) : undefined],
  ];
  const lines = rows.flatMap(([name, value]) =>
    value === undefined ? [] : [`Devenv-${name}: ${oneLine(value)}`],
  );
  // A subject must not be read as a trailer, nor a trailer be forged by a message.
  const words = subject.trim().replaceAll(/^Devenv-/gm, ' Devenv-');
  return `${words}\n\n${lines.join('\n')}\n`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

/** A message taken apart again. */
export interface ParsedMessage {
  readonly words: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly skipped: readonly Skipped[];
  readonly partial: boolean;
}

const prefix = 'Devenv-';

/** Reads what `writeMessage` wrote; unknown or missing trailers do no harm. */
export function parseMessage(text: string): ParsedMessage {
  const fields = new Map<string, string>();
  const skipped: Skipped[] = [];
  const words: string[] = [];
  for (const line of text.split('\n')) {
    const name = trailerName(line);
    if (name === undefined) {
      words.push(line);
      continue;
    }
    const from = prefix.length + name.length + 1;
    const value = line.slice(line[from] === ' ' ? from + 1 : from);
    if (name === 'Skipped') skipped.push(...parseSkipped(value));
    else fields.set(name, value);
  }
  const partial = fields.get('Partial') === 'true' || fields.has('Skipped-More');
  return { words: words.join('\n').trim(), fields, skipped, partial };
}

/**
 * The same for a list, where only some trailers are asked for: nothing is read that is not. What it says is what
 * `parseMessage` says of a message that `writeMessage` wrote.
 */
export function scanMessage(text: string): {
  readonly words: string;
  readonly field: (name: string) => string | undefined;
} {
  // Rare: a message without words. Then the line break before its first trailer is missing.
  const all = text.startsWith(prefix) ? `\n${text}` : text;
  const first = all.indexOf(`\n${prefix}`);
  const field = (name: string): string | undefined => {
    const start = startOf(name);
    const at = first < 0 ? -1 : all.indexOf(start, first);
    if (at < 0) return undefined;
    const from = at + start.length;
    const end = all.indexOf('\n', from);
    return all.slice(all[from] === ' ' ? from + 1 : from, end < 0 ? all.length : end);
  };
  return { words: (first < 0 ? all : all.slice(0, first)).trim(), field };
}

const starts = new Map<string, string>();

function startOf(name: string): string {
  const start = starts.get(name) ?? `\n${prefix}${name}:`;
  starts.set(name, start);
  return start;
}

// No regular expression: a list reads tens of thousands of these lines.
function trailerName(line: string): string | undefined {
  if (!line.startsWith(prefix)) return undefined;
  let end = prefix.length;
  for (; end < line.length; end++) {
    const code = line.charCodeAt(end);
    const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    if (!isLetter && code !== 45) break;
  }
  return end > prefix.length && line[end] === ':' ? line.slice(prefix.length, end) : undefined;
}

function parseSkipped(value: string): Skipped[] {
  try {
    const pair: unknown = JSON.parse(value);
    return Array.isArray(pair) && typeof pair[0] === 'string'
      ? [{ path: pair[0], reason: String(pair[1]) }]
      : [];
  } catch {
    return []; // written by something else: says nothing about our files
  }
}
