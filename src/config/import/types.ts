import type { WrittenWindow } from '../schema.ts';

/** Where an import goes to. */
export interface ImportTarget {
  /** The project's root; directories below it become relative. */
  readonly root: string;
  readonly home: string | undefined;
}

/** What an importer makes of a file. */
export interface Imported {
  readonly name?: string;
  readonly layout?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly windows: Readonly<Record<string, WrittenWindow>>;
  /** What the file says and devenv has no word for, one line each. */
  readonly left: readonly string[];
}

/** Reads one kind of file. `parsed` is its text as YAML (JSON is YAML too). */
export interface Importer {
  recognises(fileName: string, parsed: unknown): boolean;
  read(parsed: unknown, text: string, target: ImportTarget): Imported;
}

/** Text of a scalar; undefined for anything else, and for an empty one. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : value === undefined || value === null ? [] : [value];
