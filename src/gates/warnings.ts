import { stripAnsi } from '../base/index.ts';

/** What follows or goes before a number of warnings that is no total. */
const aside = '(?:suppressed|ignored|hidden|potentially|fixable)';
// Thousands may stand apart (1,204 1.204 1'204 1 204), in groups of three; another fraction (2.5) is no count.
const number = String.raw`([1-9]\d{0,2}(?<t>[,.'\u2019 \u00A0\u2009\u202F])\d{3}(?:\k<t>\d{3})*|\d+)(\+?)`;
/** An option (`eslint --max-warnings=0`) tells what is asked for, not what was found. */
const notOption = String.raw`(?<!(?<!\w)-[\w-]*)\b`;
const totals = [
  String.raw`(?<![\w.-]|\d[:,'\u2019]|${aside} )${number} warning(?:s\b|\b(?!:))(?! (?:was |were |are )?${aside})`,
  String.raw`(?<!${aside} )${notOption}warning(?:s|\(s\)|Count)["']?\s*[:=]\s*["']?${number}(?![\d.,]*\d)`,
].map((source) => new RegExp(source, 'gi'));
/** Not the name of a file. */
const word = new RegExp(String.raw`${notOption}warnings?\b(?!\.\w{1,4}\b(?!\())`, 'i');
const none = new RegExp(
  String.raw`\bno warning\b|\b(?:no|0|zero|without)(?: [\w-]+)?(?: n?or| and)? warnings\b|\bwarnings(?: ${aside})?["']?\s*[:=]\s*(?:["']?0\b|none\b|null|false|\[\])`,
  'gi',
);
/** As compilers tell of one. */
const said = /(?:^|[\s:])warning(?:\[[\w-]+\])?: /i;
/** Of a longer line the parts count, each for itself, so that no output fills the memory. */
const longest = 64 * 1024;
/** As much is read with the next part again, so that nothing is cut in two. */
const overlap = 64;

/** Told an output piece by piece, it knows in the end how many warnings there were. */
interface WarningCounter {
  readonly add: (chunk: string) => void;
  readonly count: () => number;
}

/**
 * Counts the warnings that a tool's output tells of, as it comes. A total that the tool itself prints ("0 errors,
 * 3 warnings", "Warnings: 3") is believed, totals of several tools are added up, "10+" is 11; a total of none only where
 * no line says "warning: ..."; without one, every line
 * with the word "warning" or "warnings" is one.
 */
export function warningCounter(): WarningCounter {
  let rest = '';
  let lines = 0;
  let told = 0;
  let total: number | undefined;
  const read = (raw: string): void => {
    if (!/warning/i.test(raw)) return;
    const line = stripAnsi(raw);
    if (said.test(line)) told++;
    // npm and yarn say first what they run.
    else if (/^[>$] /.test(line)) return;
    for (const [, n = '', , more = ''] of totals.flatMap((one) => [...line.matchAll(one)]))
      total = (total ?? 0) + Number(n.replaceAll(/\D/g, '')) + more.length;
    if (word.test(line.replaceAll(none, ''))) lines++;
  };
  return {
    add: (chunk) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      parts.forEach(read);
      if (rest.length < longest) return;
      read(rest);
      rest = rest.slice(-overlap);
    },
    count: () => {
      read(rest);
      rest = '';
      // That one tool has found none does not mean that another one has.
      return total === 0 ? told : (total ?? lines);
    },
  };
}
