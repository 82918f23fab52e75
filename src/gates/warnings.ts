import { stripAnsi } from '../base/index.ts';

/**
 * How many warnings a tool's output tells of. A total that the tool itself prints ("0 errors, 3 warnings",
 * "Found 3 warnings") is believed, totals of several tools are added up; without one, every line with the
 * word "warning" is one.
 */
export function countWarnings(output: string): number {
  const lines = stripAnsi(output).split('\n');
  const totals = lines.flatMap((line) => {
    const total = /(?:^|[^\w.-])(\d+) warnings?\b(?!:)/i.exec(line)?.[1];
    return total === undefined ? [] : [Number(total)];
  });
  if (totals.length > 0) return totals.reduce((sum, n) => sum + n, 0);
  return lines.filter((line) => /\bwarning\b/i.test(line) && !/\bno warnings?\b/i.test(line)).length;
}
