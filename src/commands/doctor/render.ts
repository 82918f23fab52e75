import { plural, showText, spokenPlaces } from '../../base/index.ts';
import type { CommandContext } from '../context.ts';
import type { Finding } from './check.ts';
import { isUtf8, localeOf } from './project.ts';

/** A checklist for people: a sign, what was found, the remedy, and how many are amiss. */
export function renderFindings({ colors, cwd, env }: CommandContext, findings: readonly Finding[]): string {
  const signs = isUtf8(localeOf(env))
    ? { ok: '✓', warning: '!', error: '✗' }
    : { ok: 'ok', warning: '!', error: 'x' };
  const places = spokenPlaces(env, [cwd]);
  const width = Math.max(signs.ok.length, 1);
  const lines = findings.flatMap(({ name, ok, level, message, remedy }) => {
    const sign = (ok ? signs.ok : level === 'error' ? signs.error : signs.warning).padEnd(width);
    const colored = ok ? colors.green(sign) : level === 'error' ? colors.red(sign) : colors.yellow(sign);
    const pad = ' '.repeat(width + 1);
    const indented = (text: string): string => showText(text, places).replaceAll('\n', `\n${pad}`);
    return [
      `${colored} ${colors.bold(name)}: ${indented(message)}`,
      ...(remedy === '' ? [] : [`${pad}${colors.dim('->')} ${indented(remedy)}`]),
    ];
  });
  const errors = findings.filter(({ ok, level }) => !ok && level === 'error').length;
  const warnings = findings.filter(({ ok, level }) => !ok && level === 'warning').length;
  const sum =
    errors + warnings === 0 ? 'all is well' : `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
  return [...lines, '', sum].join('\n');
}
