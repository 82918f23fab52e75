import path from 'node:path';
import { shellQuote } from '../../base/index.ts';
import { byFreeName, literal, windowName } from '../detect/types.ts';
import type { WrittenWindow } from '../schema.ts';
import { choices } from '../words.ts';
import type { ImportTarget } from './types.ts';

/** Lines that were typed into one shell, as one command. */
export function sequence(lines: readonly string[]): string | undefined {
  const typed = lines.map((line) => line.trim()).filter(Boolean);
  return typed.length === 0
    ? undefined
    : typed.reduce((all, line) => `${all}${/&\s*$/.test(all) ? ' ' : '; '}${line}`);
}

/** A directory as `cwd` is written: relative to the project where it lies in it. Undefined is the root. */
export function cwdOf(target: ImportTarget, base: string, dir: string | undefined): string | undefined {
  const absolute = absoluteOf(target, base, dir ?? '.');
  const relative = path.relative(target.root, absolute);
  if (relative === '') return undefined;
  return literal(relative.startsWith('..') ? absolute : relative);
}

/** A directory as these tools understand it: `~`, relative to the one around it, or absolute. */
export function absoluteOf({ home }: ImportTarget, base: string, dir: string): string {
  const expanded = home === undefined ? dir : dir.replace(/^(~|\$HOME|\$\{HOME\})(?=\/|$)/, () => home);
  return path.resolve(base, expanded);
}

/** What looks like a server is expected to keep running; anything else was typed into a shell by a person. */
const serving =
  /\b(serve|server|start|dev|runserver|up|watch|run dev|foreman|sidekiq|celery|redis-server|postgres|nodemon|vite|webpack|puma|guard|(rails|bin\/rails) s)\b/;

/** A window of these panes; undefined panes are shells. */
export function importedWindow(
  panes: readonly (string | undefined)[],
  rest: Omit<WrittenWindow, 'command' | 'panes'>,
): WrittenWindow {
  const [only] = panes;
  if (panes.length > 1)
    return {
      kind: 'tool',
      panes: panes.map((command) => (command === undefined ? {} : { command })),
      ...rest,
    };
  if (only === undefined) return { kind: 'tool', ...rest };
  return { kind: serving.test(only) ? 'service' : 'tool', command: only, ...rest };
}

/** A pane's own directory or variables, put before what it runs. */
export function prefixed(
  dir: string | undefined,
  env: Readonly<Record<string, string>>,
  command: string | undefined,
): string | undefined {
  const before = [
    ...(dir === undefined ? [] : [`cd ${shellQuote(dir)}`]),
    ...Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
  ];
  return before.length === 0 ? command : [...before, command ?? 'exec "${SHELL:-sh}"'].join(' && ');
}

/** One of tmux's five layouts, else nothing: a layout of drawn sizes belongs to one screen. */
export function splitOf(layout: string | undefined): WrittenWindow['split'] | undefined {
  return choices.split.find((split) => split === layout);
}

/** Windows by name; of two with one name the second gets a number. */
export function byName(
  windows: readonly (readonly [string, WrittenWindow])[],
): Record<string, WrittenWindow> {
  return byFreeName(windows.map(([title, window]) => [windowName(title), window]));
}
