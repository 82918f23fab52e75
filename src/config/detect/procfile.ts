import type { WrittenWindow } from '../schema.ts';
import { listening, windowName, type Detector } from './types.ts';

/** Procfile.dev or Procfile: one service a line. `release` runs once at a deployment, not here. */
export const detectProcfile: Detector = (files) => {
  const name = ['Procfile.dev', 'Procfile'].find((candidate) => files.text(candidate) !== undefined);
  const windows = procfileWindows(files.text(name ?? '') ?? '');
  if (name === undefined || Object.keys(windows).length === 0) return undefined;
  return { layout: 'api', windows, suites: {}, found: [`${name}: ${Object.keys(windows).join(', ')}`] };
};

/** The services of a Procfile; one that reads $PORT is given a free one. */
export function procfileWindows(text: string): Record<string, WrittenWindow> {
  const windows: Record<string, WrittenWindow> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$/.exec(line);
    const [, process = '', command = ''] = match ?? [];
    if (!match || process === 'release') continue;
    const name = windowName(process);
    windows[name] = /\$\{?PORT\b/.test(command)
      ? { kind: 'service', command, port: 'auto', ready: listening(name) }
      : { kind: 'service', command };
  }
  return windows;
}
