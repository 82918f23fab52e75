import path from 'node:path';
import { showName } from '../base/index.ts';

/**
 * A path inside the work tree, byte for byte: every character of the string is one byte (latin1).
 * Names need not be UTF-8; this form loses nothing, compares and splits as a string, and costs no Buffer.
 */
export type RawPath = string;

/** A path as text, as `--json` has it. */
export function displayPath(raw: RawPath): string {
  return Buffer.from(raw, 'latin1').toString('utf8');
}

/** A path in a line for people: nothing in a name reaches the terminal as more than a name. */
export function shownPath(raw: RawPath): string {
  return showName(displayPath(raw));
}

/** A path typed by a person, or from a file name Node gave us. */
export function rawPath(text: string): RawPath {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Where a raw path lies on the disk, as the file system takes it. */
export function diskPath(root: string, raw: RawPath): Buffer {
  return Buffer.from(rawPath(root) + path.sep + raw, 'latin1');
}

/** A path as one word of a fast-import stream (C style quotes, bytes above ASCII as they are). */
export function quotePath(raw: RawPath): string {
  // oxlint-disable-next-line no-control-regex
  if (/^[^"\\\x00-\x20\x7f][^"\\\x00-\x1f\x7f]*$/.test(raw)) return raw;
  return `"${raw.replaceAll(/["\\]/g, '\\$&').replaceAll(/[\x00-\x1f\x7f]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)}"`;
}

/**
 * The part of a path up to a name that no git writes into a work tree (`.git` in any spelling, which may be the
 * repository itself on another disk); undefined where there is none.
 */
export function forbiddenPart(raw: RawPath): RawPath | undefined {
  return /^(?:.*?\/)?(?:\.git|\.{1,2}|)(?=\/|$)/is.exec(raw)?.[0];
}

/** The folder of a raw path; '' at the top. */
export function rawDir(raw: RawPath): RawPath {
  return raw.slice(0, Math.max(0, raw.lastIndexOf('/')));
}

/** Paths as git reads them with `-z`. */
export const pathList = (entries: readonly { readonly path: RawPath }[]): Buffer =>
  Buffer.from(entries.map((entry) => `${entry.path}\0`).join(''), 'latin1');
