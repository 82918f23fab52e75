import { plural } from '../base/index.ts';
import type { SuiteResult } from './types.ts';

/** What is to be said of a suite that failed without telling of a failed test: `failed (exit 3)`. */
export function describeWhole({ exit, passed }: Pick<SuiteResult, 'exit' | 'passed'>): string {
  const though = passed > 0 ? `, though ${plural(passed, 'test')} passed` : '';
  return `failed${exit === null ? '' : ` (exit ${exit})`}${though}`;
}
