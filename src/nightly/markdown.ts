import { formatDuration, plural } from '../base/index.ts';
import type { NightlyReport, SuiteReport } from './types.ts';

/** The report for people. */
export function renderMarkdown(report: NightlyReport): string {
  const parts: readonly (readonly string[])[] = [
    [`# ${report.project}: ${report.outcome}`, '', report.summary, '', ...facts(report)],
    section('Undone', undone(report)),
    section('Decided', report.decisions.map(item)),
    section('Warnings', report.warnings.map(item)),
    section('Suites', suites(report)),
    section('Failures', report.suites.flatMap(failures)),
    section('Gates', gates(report)),
    section('Checklist', report.checklist.map(checkLine)),
    section('Last nights', nights(report)),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [`## ${title}`, '', ...lines];
const item = (text: string): string => `- ${text}`;
/** A text as one cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  rows.length === 0 ? [] : [row(head), row(head.map(() => '---')), ...rows.map(row)];

function facts(report: NightlyReport): readonly string[] {
  const usual = report.usualMs === null ? '' : `, usually ${formatDuration(report.usualMs)}`;
  const { session } = report;
  return [
    `- when: ${report.startedAt} on ${report.host}, took ${formatDuration(report.durationMs)}${usual}${report.caughtUp ? '; it made up for a run that was missed' : ''}`,
    `- where: ${report.root}`,
    ...(report.tree === null ? [] : [`- tree: ${report.tree}`]),
    ...(report.checkpoint === null
      ? []
      : [`- checkpoint: ${report.checkpoint.tag}${report.checkpoint.created ? ', new' : ''}`]),
    ...(report.coverage === null ? [] : [`- coverage: ${report.coverage.toFixed(2)} % of the lines`]),
    ...(session ? [`- session: ${describeSession(session)}`] : []),
    ...(report.log === null ? [] : [`- output: ${report.log}`]),
  ];
}

/** What became of the session, in a few words. */
export function describeSession(session: NonNullable<NightlyReport['session']>): string {
  const { state, name, restarted, notReady, why } = session;
  const sick = notReady.length === 0 ? '' : `; not ready: ${notReady.join(', ')}`;
  if (state === 'failed') return `could not be started: ${why ?? 'nothing says why'}`;
  if (state === 'started') return `${name} was not running; it was started and goes on running${sick}`;
  if (state === 'healed') return `${name} runs; restarted ${restarted.join(', ')}${sick}`;
  return `${name} runs`;
}

function undone({ undone }: NightlyReport): readonly string[] {
  if (!undone) return [];
  const files = [
    ...undone.written.map((name) => `- put back: \`${name}\``),
    ...undone.deleted.map((name) => `- deleted: \`${name}\``),
  ];
  return [
    `The last good checkpoint ${undone.to} was put back. **\`${undone.back}\` brings back what was there**; after other rollbacks \`${undone.backLater}\` does.`,
    '',
    ...files.slice(0, 50),
    ...(files.length > 50 ? [`- and ${plural(files.length - 50, 'more file')}`] : []),
  ];
}

function suites({ suites: all, notRun }: NightlyReport): readonly string[] {
  const rows = all.map((one) => [
    one.name,
    one.verdict,
    String(one.passed),
    String(one.failed),
    String(one.flaky),
    String(one.skipped),
    formatDuration(one.durationMs),
    one.usualMs === null ? '' : formatDuration(one.usualMs),
    one.why ?? '',
  ]);
  const missing = notRun.map((name) => [name, 'not run', '', '', '', '', '', '', '']);
  const head = ['suite', 'verdict', 'passed', 'failed', 'flaky', 'skipped', 'took', 'usually', ''];
  return table(head, [...rows, ...missing]);
}

function failures({ name, failures: all }: SuiteReport): readonly string[] {
  return all.slice(0, 20).map((one) => {
    const place = one.file === null ? '' : ` (${one.file}${one.line === null ? '' : `:${one.line}`})`;
    return `- ${name}: ${one.name}${place}: ${one.message.split('\n')[0]?.trim() ?? ''}`;
  });
}

function gates({ gates: all }: NightlyReport): readonly string[] {
  return table(
    ['gate', 'verdict', ''],
    all.map(({ name, verdict, detail }) => [name, verdict, detail]),
  );
}

function checkLine({ name, ok, level, message, remedy }: NightlyReport['checklist'][number]): string {
  const sign = ok ? 'ok' : level;
  return `- ${sign}: ${name}: ${message}${remedy === '' ? '' : ` (${remedy})`}`;
}

function nights({ lastNights }: NightlyReport): readonly string[] {
  return table(
    ['began', 'outcome', 'took'],
    lastNights.map(({ startedAt, outcome, durationMs }) => [startedAt, outcome, formatDuration(durationMs)]),
  );
}
