import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, ensureDir, errnoOf, self, stateDir } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import type { BisectState } from './types.ts';

function fileOf(env: NodeJS.ProcessEnv, project: Pick<Project, 'id'>): string {
  return path.join(stateDir(env), 'bisect', `${project.id}.json`);
}

/** The bisect that is under way in a project. Throws 'state-dir' when what was kept of it cannot be read. */
export function readState(env: NodeJS.ProcessEnv, project: Project): BisectState | undefined {
  const file = fileOf(env, project);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw damaged(file, error);
  }
  const state = parseState(text);
  if (state?.root !== project.root) throw damaged(file);
  return state;
}

function damaged(file: string, cause?: unknown): DevenvError {
  return new DevenvError(
    'state-dir',
    `what was kept of the bisect cannot be read: ${file}`,
    'forget it and start over: devenv bisect --reset',
    cause,
  );
}

/** Reads a state as it was written; undefined for anything else. */
export function parseState(text: string): BisectState | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined; // cut short, or no state at all: the caller says so
  }
  return isState(read) ? read : undefined;
}

function isState(read: unknown): read is BisectState {
  return (
    has(read, { version: 'number', id: 'string', root: 'string', judgedBy: 'string' }) &&
    Reflect.get(read, 'version') === 1 &&
    has(Reflect.get(read, 'asked'), { commits: 'boolean', fresh: 'boolean' }) &&
    isList(Reflect.get(read, 'candidates'), 2, (one) =>
      has(one, { name: 'string', commit: 'string', tree: 'string', at: 'string', message: 'string' }),
    ) &&
    isList(
      Reflect.get(read, 'results'),
      0,
      (one) =>
        has(one, { tree: 'string', by: 'string', flaky: 'boolean', why: 'string', durationMs: 'number' }) &&
        ['good', 'bad', 'skip'].includes(String(Reflect.get(one, 'verdict'))),
    ) &&
    (Reflect.get(read, 'suites') === null ||
      isList(Reflect.get(read, 'suites'), 0, (one) => typeof one === 'string'))
  );
}

function has(value: unknown, fields: Readonly<Record<string, string>>): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, type]) => typeof Reflect.get(value, name) === type)
  );
}

function isList(value: unknown, least: number, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length >= least && value.every((one) => isOne(one));
}

/** Keeps a state: it is on the disk as a whole or not at all when this returns. */
export function saveState(env: NodeJS.ProcessEnv, project: Project, state: BisectState): void {
  const file = fileOf(env, project);
  ensureDir(path.dirname(file));
  const temporary = `${file}.${self.pid}`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    writeSync(descriptor, JSON.stringify(state));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

/** Forgets the state, whatever it holds. */
export function dropState(env: NodeJS.ProcessEnv, project: Project): void {
  rmSync(fileOf(env, project), { force: true });
}
