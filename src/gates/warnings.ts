import { stripAnsi } from '../base/index.ts';

// Thousands may stand apart (1,204 1.204 1'204 1 204), in groups of three; another fraction (2.5) is no count.
const total =
  /(?<![\w.-]|\d[,'\u2019])(\d+|[1-9]\d{0,2}([,.'\u2019 \u00A0\u2009\u202F])\d{3}(?:\2\d{3})*) warnings?\b(?!:)/i;

/**
 * How many warnings a tool's output tells of. A total that the tool itself prints ("0 errors, 3 warnings",
 * "Found 3 warnings") is believed, totals of several tools are added up; without one, every line with the
 * word "warning" is one.
 */
export function countWarnings(output: string): number {
  const lines = stripAnsi(output).split('\n');
  const totals = lines.flatMap((line) => {
    const found = total.exec(line)?.[1];
    return found === undefined ? [] : [Number(found.replaceAll(/\D/g, ''))];
  });
  if (totals.length > 0) return totals.reduce((sum, n) => sum + n, 0);
  return lines.filter((line) => /\bwarning\b/i.test(line) && !/\bno warnings?\b/i.test(line)).length;
}
