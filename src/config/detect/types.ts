import type { WrittenGate, WrittenSuite, WrittenWindow } from '../schema.ts';

/** Reads a project's folder; paths are relative to it. What cannot be read is not there. */
export interface Files {
  text(name: string): string | undefined;
  has(name: string): boolean;
  /** Names in a folder, sorted; a folder ends with `/`. */
  list(dir: string): readonly string[];
}

/** A suite to be written, and what may be written in its place, as lines of a comment. */
export interface DraftSuite extends WrittenSuite {
  readonly advice?: readonly string[];
}

/** What one detector makes of a project. */
export interface Finding {
  /** The layout that suits it. */
  readonly layout: string;
  readonly windows: Readonly<Record<string, WrittenWindow>>;
  readonly suites: Readonly<Record<string, DraftSuite>>;
  readonly gates?: Readonly<Record<string, WrittenGate>>;
  /** What was found, one line each. */
  readonly found: readonly string[];
}

/** Pure over the files it reads; undefined when the project holds nothing of its kind. */
export type Detector = (files: Files) => Finding | undefined;

/** A devenv.yaml to be written. */
export interface Draft {
  readonly name?: string;
  readonly layout?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly windows: Readonly<Record<string, WrittenWindow>>;
  readonly suites: Readonly<Record<string, DraftSuite>>;
  readonly gates: Readonly<Record<string, WrittenGate>>;
  readonly found: readonly string[];
}

/** A name reduced to what a window may be called. */
export function windowName(text: string): string {
  const name = text.replaceAll(/[^A-Za-z0-9_-]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'window';
  return name === '__proto__' ? 'proto' : name;
}

/** Entries by name, none of them lost: of two with one name the second gets a number. */
export function byFreeName<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  const all = new Map<string, T>();
  for (const [name, item] of entries) all.set(freeName(name, all), item);
  return Object.fromEntries(all);
}

/** The name, or where it is taken the first free one of `name-2`, `name-3`, ... */
export function freeName(name: string, taken: { has(name: string): boolean }): string {
  let free = name;
  for (let n = 2; taken.has(free); n += 1) free = `${name}-${n}`;
  return free;
}

/** A text as a value in which `${...}` and `$$` mean themselves. Not for commands: those are the shell's. */
export const literal = (text: string): string => text.replaceAll('$', '$$$$');

/** A probe that waits until the window's own port accepts connections. */
export const listening = (window: string): string => `tcp://localhost:\${port.${window}}`;
