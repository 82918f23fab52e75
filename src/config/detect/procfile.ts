import type { WrittenWindow } from '../schema.ts';
import { freeName, listening, windowName, type Detector } from './types.ts';

/** Procfile.dev or Procfile: one service a line. `release` runs once at a deployment, not here. */
export const detectProcfile: Detector = (files) => {
  const name = ['Procfile.dev', 'Procfile'].find((candidate) => files.text(candidate) !== undefined);
  const { windows, remarks } = readProcfile(files.text(name ?? '') ?? '');
  if (name === undefined || Object.keys(windows).length === 0) return undefined;
  const found = [`${name}: ${Object.keys(windows).join(', ')}`, ...remarks];
  return { layout: 'api', windows, suites: {}, found };
};

/** What a Procfile starts. */
export interface Procfile {
  readonly windows: Readonly<Record<string, WrittenWindow>>;
  /** What became of processes that have the name of another one, and what is no process, one line each. */
  readonly remarks: readonly string[];
}

/** The services of a Procfile; one that reads $PORT is given a free one. */
export function readProcfile(text: string): Procfile {
  const windows = new Map<string, WrittenWindow>();
  const remarks: string[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const match = /^\s*([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$/.exec(line);
    const [, process = '', command = ''] = match ?? [];
    if (!match && /^\s*[^#\s]/.test(line)) remarks.push(`line ${i + 1} is no NAME: COMMAND: ${line.trim()}`);
    if (!match || process === 'release') continue;
    const name = freeName(windowName(process), windows);
    if (windows.has(windowName(process)))
      remarks.push(`two processes are called ${process}: the second is the window ${name}`);
    windows.set(
      name,
      /\$\{?PORT\b/.test(command)
        ? { kind: 'service', command, port: 'auto', ready: listening(name) }
        : { kind: 'service', command },
    );
  }
  return { windows: Object.fromEntries(windows), remarks };
}
