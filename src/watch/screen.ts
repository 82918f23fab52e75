import { formatDuration, plural, type Colors } from '../base/index.ts';
import { describeWhole } from '../suites/index.ts';
import type { SuiteView, View } from './types.ts';

/** The size of the terminal, in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const mark: Readonly<Record<SuiteView['state'], readonly [string, keyof Colors]>> = {
  passed: ['✓', 'green'],
  failed: ['✗', 'red'],
  flaky: ['~', 'yellow'],
  broken: ['!', 'red'],
  stale: ['?', 'yellow'],
  stopped: ['-', 'dim'],
  waiting: ['·', 'dim'],
  running: ['▸', 'cyan'],
  rerunning: ['↻', 'yellow'],
};

const keys = 'a all  f failed  p pause  c checkpoint  r rollback  q quit';

/** The whole picture as lines that fit: what is red comes first, what has no room is left out. */
export function renderScreen(view: View, size: Size, colors: Colors): readonly string[] {
  const fit = (text: string): string =>
    text.length > size.columns ? `${text.slice(0, Math.max(0, size.columns - 1))}…` : text;
  const head = [headLine(view, size, colors), ''];
  const suites = view.suites.map((suite) => suiteLine(suite, size, colors));
  const foot = [
    '',
    ...view.notes.flatMap((note) => note.split('\n')).map((note) => colors.yellow(fit(`! ${note}`))),
    fit(checkpointLine(view)),
    ...decisionLines(view, size).map((line) => colors.dim(fit(line))),
    '',
    colors.dim(fit(keys)),
  ];
  const room = Math.max(0, size.rows - head.length - suites.length - foot.length - 1);
  const failures = failureLines(view, room, fit, colors);
  const lines = [...head, ...suites, ...(failures.length > 0 ? ['', ...failures] : []), ...foot];
  return lines.slice(0, Math.max(1, size.rows));
}

function headLine(view: View, size: Size, colors: Colors): string {
  const title = `${view.project}${view.branch === null ? '' : `  ${view.branch}`}`;
  const [word, color] = phaseWord(view);
  const space = ' '.repeat(Math.max(1, size.columns - title.length - word.length - 1));
  return `${colors.bold(title.slice(0, Math.max(0, size.columns - word.length - 2)))}${space}${colors[color](word)}`;
}

function phaseWord({ phase, suites }: View): readonly [string, keyof Colors] {
  if (phase === 'testing') return ['testing', 'cyan'];
  if (phase === 'paused') return ['paused (p goes on)', 'yellow'];
  if (phase === 'halted') return ['NOT TESTED', 'red'];
  if (phase === 'starting') return ['starting', 'dim'];
  const states = suites.map((suite) => suite.state);
  if (states.includes('failed')) return ['FAILED', 'red'];
  if (states.includes('broken')) return ['BROKEN', 'red'];
  if (states.includes('stale')) return ['no verdict', 'yellow'];
  if (states.includes('flaky')) return ['flaky', 'yellow'];
  return states.length > 0 && states.every((state) => state === 'passed')
    ? ['all passed', 'green']
    : ['waiting', 'dim'];
}

function suiteLine({ name, state, result }: SuiteView, size: Size, colors: Colors): string {
  const [sign, color] = mark[state];
  const text = `${name.padEnd(14)} ${describeSuite(state, result)}`;
  const took = result && state !== 'running' ? formatDuration(result.durationMs) : '';
  const width = Math.max(10, size.columns - 4 - took.length);
  return `${colors[color](sign)} ${text.slice(0, width).padEnd(width)} ${colors.dim(took)}`;
}

function describeSuite(state: SuiteView['state'], result: SuiteView['result']): string {
  if (state === 'running') return 'running';
  if (state === 'waiting' || !result) return state === 'waiting' ? 'waiting' : state;
  const again = state === 'rerunning' ? '; running what failed again' : '';
  return `${describeResult(result)}${again}`;
}

/** `passed 14 tests`, `failed 2 of 14 tests`, `broken: exit 127: ...`. */
export function describeResult(result: NonNullable<SuiteView['result']>): string {
  const { verdict, passed, failed, flaky, skipped, why, whole } = result;
  const total = passed + failed + flaky;
  const more = [
    flaky > 0 && verdict !== 'flaky' ? `${flaky} flaky` : '',
    skipped > 0 ? `${skipped} skipped` : '',
  ].filter(Boolean);
  const tail = more.length > 0 ? ` (${more.join(', ')})` : '';
  if (verdict === 'broken' || verdict === 'stale') return `${verdict}: ${why ?? ''}`;
  if (verdict === 'failed' && whole) return `${describeWhole(result)}${tail}`;
  if (verdict === 'flaky' && whole) return `flaky: failed, but passed when it was run again${tail}`;
  if (verdict === 'failed')
    return `failed ${total > failed ? `${failed} of ${plural(total, 'test')}` : plural(failed, 'test')}${tail}`;
  if (verdict === 'flaky') return `flaky ${plural(flaky, 'test')} of ${total}${tail}`;
  return total === 0 ? `${verdict}${tail}` : `${verdict} ${plural(total, 'test')}${tail}`;
}

function failureLines(
  view: View,
  room: number,
  fit: (text: string) => string,
  colors: Colors,
): readonly string[] {
  const all = view.suites.flatMap(({ name, result }) =>
    (result?.verdict === 'failed' || result?.verdict === 'broken' ? result.failures : []).map((failure) => {
      const place =
        failure.file === null ? name : `${failure.file}${failure.line === null ? '' : `:${failure.line}`}`;
      const title = failure.name === name ? place : `${place}  ${failure.name}`;
      return [
        colors.red(fit(`  ${title}`)),
        ...failure.message.split('\n').map((line) => colors.dim(fit(`    ${line}`))),
      ];
    }),
  );
  const lines: string[] = [];
  let shown = 0;
  for (const block of all) {
    // The place always; the message as far as there is room for the rest of them.
    const wanted = block.slice(0, Math.max(1, room - lines.length - (all.length - shown - 1)));
    if (lines.length + wanted.length > room - 1 && shown < all.length - 1) break;
    if (lines.length + wanted.length > room) break;
    lines.push(...wanted);
    shown++;
  }
  return shown < all.length ? [...lines, colors.dim(fit(`  and ${all.length - shown} more`))] : lines;
}

function checkpointLine({ checkpoint, nextAt, why, decisions }: View): string {
  const last = checkpoint ? `last ${checkpoint.tag}` : 'none made here';
  const next = nextAt === undefined ? '' : `next look ${clockTime(nextAt)}; `;
  // What was decided stands below; this is for what led to no decision.
  const reason = why === '' || decisions.some((one) => one.text === why) ? '' : `; ${why}`;
  return `checkpoints: ${next}${last}${reason}`;
}

/** The latest decisions; the newest in full, since its end says how to take it back. */
function decisionLines({ decisions }: View, size: Size): readonly string[] {
  return decisions.slice(0, 3).flatMap((one, i) => {
    const text = `  ${clockTime(one.at)} ${one.text}`;
    return i === 0 ? wrap(text, size.columns - 1) : [text];
  });
}

/** Breaks a line between words, with the rest indented. */
function wrap(text: string, width: number): readonly string[] {
  const indent = ' '.repeat(11);
  if (text.length <= width || width <= 2 * indent.length) return [text];
  const end = text.lastIndexOf(' ', width);
  if (end <= indent.length) return [text];
  return [text.slice(0, end), ...wrap(indent + text.slice(end + 1), width)];
}

function clockTime(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}
