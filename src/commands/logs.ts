import { DevenvError, nameHint, parseDuration, quickHash, showsColors } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import { cleanText, listSources, logDir, readLogs, type LogLine } from '../logs/index.ts';
import { findSession } from '../session/index.ts';
import { createTmux } from '../tmux/index.ts';
import { asFarAsReadable } from './as-far-as-readable.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** As the command line gives it. */
export interface LogsInput {
  readonly windows: readonly string[];
  readonly follow?: boolean | undefined;
  readonly since?: string | undefined;
  readonly grep?: string | undefined;
  readonly lines?: string | undefined;
}

const defaultLines = 200;

/** `devenv logs`: the logs of all windows, or of some, in order of time. Following ends with Ctrl-C, and that is no failure. */
export async function logs(ctx: CommandContext, input: LogsInput): Promise<CommandResult> {
  const sinceMs = parseSince(ctx, input.since);
  const pattern = parsePattern(input.grep);
  const count = parseCount(input.lines);
  const unlimited = sinceMs !== undefined || pattern !== undefined;
  const project = await asFarAsReadable(ctx, ['name', 'logs.dir']);
  const dir = logDir(ctx.env, project, project.config.logs.dir);
  const names = await knownWindows(project, dir);
  const wanted = new Set(input.windows);
  for (const name of wanted)
    if (!names.includes(name))
      throw new DevenvError('unknown-window', `no window called ${name}`, nameHint(name, names));

  const show = ctx.json ? asJson : asText(ctx, wanted.size > 0 ? wanted : names);
  let shown = 0;
  const batches = readLogs({
    dir,
    wants: (window) => wanted.size === 0 || wanted.has(window),
    sinceMs,
    lines: count ?? (unlimited ? undefined : defaultLines),
    match: pattern && ((line) => pattern.test(cleanText(line.text, false))),
    follow: input.follow ?? false,
    signal: ctx.signal,
    clock: ctx.clock,
  });
  for await (const batch of batches) {
    if (batch.length > 0) ctx.write(`${batch.map(show).join('\n')}\n`);
    shown += batch.length;
  }
  if (shown === 0 && !ctx.signal.aborted) ctx.note(await whyNothing(ctx, project.root, dir, unlimited));
  return {};
}

function parseSince(ctx: CommandContext, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ago = parseDuration(text);
  if (ago !== undefined) return ctx.clock.now() - ago;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new DevenvError(
    'usage',
    `--since: "${text}" is no time`,
    'write how long ago (30s, 10m, 2h, 1d) or when (2026-11-20T19:00Z)',
  );
}

function parsePattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, 'u');
  } catch {
    // Without `u` it takes more of what people write, such as `\-`.
  }
  try {
    return new RegExp(text);
  } catch (error) {
    throw new DevenvError(
      'usage',
      `--grep: "${text}" is no regular expression`,
      'write a JavaScript regular expression; \\ before ( [ { * + ? . takes them as they are',
      error,
    );
  }
}

function parseCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new DevenvError('usage', `--lines: "${text}" is no number of lines`, 'write e.g. -n 200');
}

/** The windows of the configuration, and those that left a log. */
async function knownWindows(project: Project, dir: string): Promise<readonly string[]> {
  const sources = await listSources(dir);
  return [...project.config.windows.map(({ name }) => name), ...sources.map(({ window }) => window)];
}

async function whyNothing(
  ctx: CommandContext,
  root: string,
  dir: string,
  filtered: boolean,
): Promise<string> {
  if (filtered) return 'no line matches';
  if ((await listSources(dir)).length > 0) return 'nothing was written yet';
  const session = await findSession({ ...ctx, tmux: createTmux(ctx.env) }, root);
  if (!session) return 'no logs yet: devenv start begins them';
  return session.rows.some(({ marks }) => marks.kind !== undefined && marks.kind !== 'tool')
    ? 'nothing was written yet'
    : 'no window of this session keeps a log: they are tools, which devenv attach shows';
}

function asJson({ window, pane, at, text }: LogLine): string {
  const line = { window, at: new Date(at).toISOString(), text: cleanText(text, false) };
  return JSON.stringify(pane === 0 ? line : { ...line, pane });
}

const palette = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'] as const;

/** `api  | text`, each window in a colour of its own, always the same; with -v the time in front. */
function asText({ colors, verbose }: CommandContext, windows: Iterable<string>): (line: LogLine) => string {
  const width = Math.max(0, ...[...windows].map((name) => name.length));
  const colored = showsColors(colors);
  const prefixes = new Map<string, string>();
  const prefixOf = ({ window, pane }: LogLine): string => {
    const label = pane === 0 ? window : `${window}.${pane}`;
    const known = prefixes.get(label);
    if (known !== undefined) return known;
    const color = palette[Number.parseInt(quickHash(window).slice(-6), 16) % palette.length] ?? 'cyan';
    const prefix = `${colors[color](label.padEnd(width))} ${colors.dim('|')} `;
    prefixes.set(label, prefix);
    return prefix;
  };
  return (line) => {
    const time = verbose ? `${colors.dim(new Date(line.at).toISOString())} ` : '';
    return `${time}${prefixOf(line)}${cleanText(line.text, colored)}`;
  };
}
