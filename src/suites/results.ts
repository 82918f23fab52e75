import { lstatSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';
import { messageOf, systemClock } from '../base/index.ts';
import type { ReadOptions } from './junit.ts';
import type { Report } from './types.ts';

/** The results of a suite before it ran: a report that it does not write itself is an old one. */
export interface ResultsBefore {
  /** Reports taken away, so that one that is merely touched does not look like a new one. */
  readonly taken: readonly { readonly file: string; readonly text: Buffer; readonly stat: Stats }[];
  /** Other files, which are no reports; as they were. */
  readonly stamps: ReadonlyMap<string, string>;
  /** When that was. */
  readonly atMs: number;
}

/** What was written longer before the run than this is old, whoever put it there; clocks may differ a little. */
const oldMs = 10_000;
/** How far below a folder reports are looked for. */
const deepest = 16;

/** Takes the old reports (one file, or every .xml of a folder and below it) away; `restoreResults` puts them back. */
export function takeResults(results: string, root: string): ResultsBefore {
  const atMs = systemClock.now();
  const taken: { file: string; text: Buffer; stat: Stats }[] = [];
  const stamps = new Map<string, string>();
  for (const file of resultFiles(results, root)) {
    stamps.set(file, stamp(file));
    try {
      const text = readFileSync(file);
      if (file !== results && !/<test(suites?|case)\b/.test(text.toString('latin1', 0, 4096))) continue;
      const stat = statSync(file);
      rmSync(file);
      taken.push({ file, text, stat });
    } catch {
      // Not ours to read or remove: then its times have to tell whether it was written anew.
    }
  }
  return { taken, stamps, atMs };
}

/** Puts back, with their times, the old reports in whose place nothing was written. */
export function restoreResults({ taken }: ResultsBefore): void {
  for (const { file, text, stat } of taken) {
    try {
      writeFileSync(file, text, { flag: 'wx', mode: stat.mode });
      utimesSync(file, stat.atime, stat.mtime);
    } catch {
      // There is a new one, or its folder is gone: an old report is not worth more.
    }
  }
}

/**
 * Reads the reports this run has written. `missing` says why there is none; a report that lay there before
 * and was not written anew is not read.
 */
export async function readResults(
  results: string,
  before: ResultsBefore,
  options: ReadOptions,
): Promise<Report | { readonly missing: string }> {
  const shown = path.relative(options.root, results);
  const all = resultFiles(results, options.root);
  const wasTaken = new Set(before.taken.map(({ file }) => file));
  const fresh = all.filter((file) => wasTaken.has(file) || before.stamps.get(file) !== stamp(file));
  if (all.length + wasTaken.size === 0) return { missing: `it wrote no results to ${shown}` };
  if (fresh.length === 0) return { missing: `${shown} is from an earlier run: this one wrote no results` };
  const { readJUnit } = await import('./junit.ts');
  let sum: Report = { passed: 0, failed: 0, flaky: 0, skipped: 0, failures: [] };
  for (const file of fresh) {
    try {
      if (isOld(file, before.atMs))
        return {
          missing: `${path.relative(options.root, file)} was written before the run: it tells of another one`,
        };
      const report = await readJUnit(file, options);
      sum = {
        passed: sum.passed + report.passed,
        failed: sum.failed + report.failed,
        flaky: sum.flaky + report.flaky,
        skipped: sum.skipped + report.skipped,
        failures: [...sum.failures, ...report.failures],
        claimed: (sum.claimed ?? 0) + (report.claimed ?? 0),
        lacking: sum.lacking ?? report.lacking,
      };
    } catch (error) {
      return { missing: `${path.relative(options.root, file)} cannot be read: ${messageOf(error)}` };
    }
  }
  return sum;
}

/** Below the project's root itself lie other things than reports. */
function resultFiles(results: string, root: string): readonly string[] {
  const info = statSync(results, { throwIfNoEntry: false });
  if (!info) return [];
  if (!info.isDirectory()) return [results];
  return xmlIn(results, path.relative(results, root).startsWith('..') ? deepest : 0);
}

function xmlIn(folder: string, depth: number): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (!entry.isDirectory()) return entry.name.endsWith('.xml') ? [file] : [];
    if (depth === 0 || entry.name === 'node_modules') return [];
    try {
      return xmlIn(file, depth - 1);
    } catch {
      return [file]; // what cannot be read is not passed over
    }
  });
}

/** A copy or a link of an old report has the time of its content, but was put there later. */
function isOld(file: string, beganMs: number): boolean {
  const { mtimeMs, ctimeMs } = statSync(file);
  // Where the disk's clock goes after this one, all its times do.
  return mtimeMs < Math.min(beganMs, Math.max(ctimeMs, lstatSync(file).ctimeMs)) - oldMs;
}

function stamp(file: string): string {
  const info = statSync(file, { bigint: true, throwIfNoEntry: false });
  return info ? `${info.ino}:${info.mtimeNs}:${info.ctimeNs}:${info.size}` : '';
}
