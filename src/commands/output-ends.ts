import { showsColors, stripAnsi, type Colors } from '../base/index.ts';
import type { SuiteResult } from '../suites/index.ts';

const shownLines = 20;

/** The last lines of suites of which nothing else tells why they are red: no failed test is named. */
export function outputEnds(colors: Colors, suites: readonly SuiteResult[]): readonly string[] {
  return suites
    .filter(({ verdict, whole }) => verdict === 'broken' || (verdict === 'failed' && whole))
    .flatMap(({ name, output }) => {
      const end = (showsColors(colors) ? output : stripAnsi(output)).trimEnd();
      if (end === '') return [];
      return [colors.dim(`the end of ${name}'s output:`), end.split('\n').slice(-shownLines).join('\n')];
    });
}
