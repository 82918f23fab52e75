import { formatDuration, type Colors, type Terminal } from '../base/index.ts';
import { describeResult, renderScreen } from './screen.ts';
import type { Report, WatchEvent } from './types.ts';

/** Draws the whole picture anew on a terminal, whenever it became another one. */
export function screenReport(terminal: Terminal, colors: Colors): Report {
  let shown = '';
  let latest: Parameters<Report>[1] | undefined;
  const draw = (force: boolean): void => {
    if (!latest) return;
    const lines = renderScreen(latest, { columns: terminal.columns(), rows: terminal.rows() }, colors);
    const picture = lines.join('\u001B[K\r\n');
    if (picture === shown && !force) return;
    shown = picture;
    // Lines that are a little too wide for the terminal must not be broken: no wrap while drawing.
    terminal.write(`\u001B[?7l\u001B[H${picture}\u001B[K\u001B[J\u001B[?7h`);
  };
  terminal.write('\u001B[H\u001B[2J');
  terminal.onResize(() => draw(true));
  return (_, view) => {
    latest = view;
    draw(false);
  };
}

/** One line for each thing that happened, for logs and pipes. */
export function lineReport(write: (text: string) => void): Report {
  return (event) => {
    const text = describeEvent(event);
    if (text !== undefined) write(`${text}\n`);
  };
}

/** One JSON object a line. */
export function jsonReport(write: (text: string) => void): Report {
  return (event) => {
    if (event.kind === 'view') return;
    const { kind, ...facts } = event;
    write(`${JSON.stringify({ event: kind, ...withoutOutput(facts) })}\n`);
  };
}

function withoutOutput(facts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { result } = facts;
  if (typeof result !== 'object' || result === null) return facts;
  const { output: _output, partial: _partial, ...rest } = { output: '', partial: false, ...result };
  return { ...facts, result: rest };
}

/** One event in words; undefined for what is only to be seen. */
export function describeEvent(event: WatchEvent): string | undefined {
  switch (event.kind) {
    case 'testing':
      return `testing ${event.suites.join(', ')}${ofTree(event.tree)}`;
    case 'rerun':
      return `${event.suite} failed; running what failed again`;
    case 'result': {
      const { result, tree } = event;
      const lines = [
        `${result.name} ${describeResult(result)} in ${formatDuration(result.durationMs)}${ofTree(tree)}`,
      ];
      for (const { file, line, name, message } of result.failures) {
        const place = file === null ? '' : `${file}${line === null ? '' : `:${line}`} `;
        // Where no test is named the last lines are all there is.
        const said = message.split('\n').slice(0, result.whole ? undefined : 1);
        lines.push(`  ${place}${name}: ${said.join('\n    ')}`);
      }
      return lines.join('\n');
    }
    case 'verdict':
      return event.verdict === 'stale' || event.verdict === 'stopped'
        ? `${event.verdict}${event.why === undefined ? '' : `: ${event.why}`}`
        : undefined;
    case 'checkpointer':
      return `checkpoint: ${event.decision.text}`;
    case 'note':
      return event.text;
    default:
      return undefined;
  }
}

const ofTree = (tree: string | null): string => (tree === null ? '' : ` (tree ${tree.slice(0, 7)})`);
