import { DevenvError } from '../base/index.ts';

// A crontab is bytes: it is read as latin1, so that every foreign line is written back as it was.

/** devenv's part of a crontab, by the project it is for. */
export interface Block {
  readonly id: string;
  /** The lines between the markers. */
  readonly lines: readonly string[];
  /** Where it begins and ends in the text, markers and the last line break included. */
  readonly start: number;
  readonly end: number;
}

const begin = /^# >>> devenv:([A-Za-z0-9_-]+) \(managed, v1\) >>>$/;
const end = /^# <<< devenv:([A-Za-z0-9_-]+) <<<$/;
/** Also a marker that somebody has edited. */
const marker = /^\s*#\s*(>>>|<<<)\s*devenv\b/;

/**
 * The blocks of a crontab, in their order.
 * @throws DevenvError 'refused' for markers that do not match: nobody knows whose the lines between them are
 */
export function readBlocks(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { readonly id: string; readonly start: number; readonly lines: string[] } | undefined;
  let at = 0;
  text.split('\n').forEach((line, n) => {
    const [first, last] = [begin.exec(line)?.[1], end.exec(line)?.[1]];
    const start = at;
    at = Math.min(at + line.length + 1, text.length);
    if (first !== undefined && !open && !blocks.some(({ id }) => id === first))
      open = { id: first, start, lines: [] };
    else if (last !== undefined && open?.id === last) {
      blocks.push({ ...open, end: at });
      open = undefined;
    } else if (marker.test(line)) throw unbalanced(line, n + 1);
    else open?.lines.push(line);
  });
  if (open) throw unbalanced(`# >>> devenv:${open.id}`, text.slice(0, open.start).split('\n').length);
  return blocks;
}

function unbalanced(line: string, n: number): DevenvError {
  return new DevenvError(
    'refused',
    `the crontab has a marker of devenv's without its counterpart, line ${n}: ${line.trim()}`,
    'nothing was written. crontab -e: take the markers and what stood between them out, then try again',
  );
}

/**
 * Lines that somebody put between the markers of a project, empty ones aside. What names its script is devenv's,
 * whatever its time: without the schedule there is no such script.
 */
export function strayLines(text: string, id: string): readonly string[] {
  const block = readBlocks(text).find((one) => one.id === id);
  return block?.lines.filter((line) => line.trim() !== '' && !line.includes(`/${id}/nightly`)) ?? [];
}

const behind = (text: string, id: string, end: number): string =>
  [...strayLines(text, id), text.slice(end)].join('\n');

/**
 * The crontab with this project's block, in the place of the one before or at the end. All else stays, byte for byte;
 * what stood between its markers then stands behind them.
 */
export function withBlock(text: string, id: string, lines: readonly string[]): string {
  const block = [`# >>> devenv:${id} (managed, v1) >>>`, ...lines, `# <<< devenv:${id} <<<`, ''].join('\n');
  const old = readBlocks(text).find((one) => one.id === id);
  if (old) return text.slice(0, old.start) + block + behind(text, id, old.end);
  const ended = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return ended + block;
}

/** The crontab without this project's block; what others put into it stays. */
export function withoutBlock(text: string, id: string): string {
  const old = readBlocks(text).find((one) => one.id === id);
  return old ? text.slice(0, old.start) + behind(text, id, old.end) : text;
}

/**
 * A path as one word of a command in a crontab. There `%` ends the command unless a backslash stands before it.
 * @throws DevenvError 'environment' for what no crontab can hold
 */
export function crontabWord(file: string): string {
  if (/[\n\r\\]/.test(file))
    throw new DevenvError(
      'environment',
      `a crontab cannot hold this path: ${JSON.stringify(file)}`,
      'set XDG_STATE_HOME to a folder without line breaks and backslashes in its path',
    );
  const bytes = Buffer.from(file, 'utf8').toString('latin1');
  if (/^[\w@+=:,./-]+$/.test(bytes)) return bytes;
  return `'${bytes.replaceAll("'", `'\\''`).replaceAll('%', '\\%')}'`;
}

/** The two lines of a project: its time, and the start of the machine, when a run may have been missed. */
export function crontabLines(wrapper: string, hour: number, minute: number): readonly string[] {
  const word = crontabWord(wrapper);
  return [`${minute} ${hour} * * * ${word}`, `@reboot ${word} --if-missed`];
}
