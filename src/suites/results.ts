import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../base/index.ts';
import type { ReadOptions } from './junit.ts';
import type { Report } from './types.ts';

/** What the results of a suite looked like before it ran: a report that did not change is an old one. */
export type ResultsBefore = ReadonlyMap<string, string>;

/** Remembers the results files (one file, or every .xml of a folder) as they are now. */
export function rememberResults(results: string): ResultsBefore {
  return new Map(resultFiles(results).map((file) => [file, stamp(file)]));
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
  const all = resultFiles(results);
  const fresh = all.filter((file) => before.get(file) !== stamp(file));
  if (all.length === 0) return { missing: `it wrote no results to ${shown}` };
  if (fresh.length === 0) return { missing: `${shown} is from an earlier run: this one wrote no results` };
  const { readJUnit } = await import('./junit.ts');
  let sum: Report = { passed: 0, failed: 0, flaky: 0, skipped: 0, failures: [] };
  for (const file of fresh) {
    try {
      const report = await readJUnit(file, options);
      sum = {
        passed: sum.passed + report.passed,
        failed: sum.failed + report.failed,
        flaky: sum.flaky + report.flaky,
        skipped: sum.skipped + report.skipped,
        failures: [...sum.failures, ...report.failures],
      };
    } catch (error) {
      return { missing: `${path.relative(options.root, file)} cannot be read: ${messageOf(error)}` };
    }
  }
  return sum;
}

function resultFiles(results: string): readonly string[] {
  const info = statSync(results, { throwIfNoEntry: false });
  if (!info) return [];
  if (!info.isDirectory()) return [results];
  return readdirSync(results)
    .filter((name) => name.endsWith('.xml'))
    .map((name) => path.join(results, name));
}

function stamp(file: string): string {
  const info = statSync(file, { bigint: true, throwIfNoEntry: false });
  return info ? `${info.ino}:${info.mtimeNs}:${info.ctimeNs}:${info.size}` : '';
}
