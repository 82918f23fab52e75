import path from 'node:path';
import { nearest } from '../base/index.ts';
import { didYouMean } from './problems.ts';
import type { Reader } from './reader.ts';
import type { Config, WindowConfig } from './types.ts';

type Rule = (config: Config, reader: Reader) => void;

/** What must hold between the parts of a configuration. */
const rules: readonly Rule[] = [
  function needsExist({ windows }, reader) {
    const names = windows.map((window) => window.name);
    for (const window of windows)
      window.needs.forEach((need, i) => {
        const path = ['windows', window.name, 'needs', i];
        if (need === window.name) reader.problem(path, `windows.${window.name} needs itself`);
        else if (!names.includes(need))
          reader.problem(
            path,
            `windows.${window.name} needs "${need}", which is no window${didYouMean(nearest(need, names))}`,
          );
      });
  },
  function needsEnd({ windows }, reader) {
    const cycle = findCycle(windows);
    if (cycle)
      reader.problem(
        ['windows', cycle[0] ?? '', 'needs'],
        `windows need each other in a circle: ${cycle.join(' -> ')}`,
      );
  },
  function needsOfServices({ windows }, reader) {
    const tasks = new Set(windows.filter((window) => window.kind === 'task').map((window) => window.name));
    for (const window of windows)
      window.needs.forEach((need, i) => {
        if (tasks.has(need))
          reader.problem(
            ['windows', window.name, 'needs', i],
            `windows.${window.name} needs the task "${need}", which never becomes ready`,
          );
      });
  },
  function portsDiffer({ windows }, reader) {
    const owners = new Map<number, string>();
    for (const { name, port } of windows) {
      if (typeof port !== 'number' || port === 0) continue;
      const owner = owners.get(port);
      if (owner === undefined) owners.set(port, name);
      else
        reader.problem(
          ['windows', name, 'port'],
          `windows.${name} has port ${port}, which is windows.${owner}'s`,
        );
    }
  },
  function oneFocus({ windows }, reader) {
    const focused = windows.filter((window) => window.focus);
    for (const window of focused.slice(1))
      reader.problem(
        ['windows', window.name, 'focus'],
        `windows.${window.name} has focus, and so has windows.${focused[0]?.name}`,
      );
  },
  function suitesExist({ windows, suites, watch, nightly, gates }, reader) {
    const names = suites.map((suite) => suite.name);
    const check = (suite: string, path: readonly (string | number)[], way = ''): void => {
      if (names.includes(suite)) return;
      const near = nearest(suite, names);
      const having = names.length === 0 ? ': there are no suites' : didYouMean(near);
      reader.problem(
        path,
        `${path.filter((part) => typeof part === 'string').join('.')}: no suite "${suite}"${having}${near === undefined ? way : ''}`,
      );
    };
    for (const { name, run } of windows)
      if (run !== undefined) check(run, ['windows', name, 'run'], '; a command is written as `command: ...`');
    watch.suites.forEach((suite, i) => check(suite, ['watch', 'suites', i]));
    nightly.suites.forEach((suite, i) => check(suite, ['nightly', 'suites', i]));
    for (const gate of gates)
      gate.suites?.forEach((suite, i) => check(suite, ['gates', gate.name, 'suites', i]));
  },
  function gatesExist({ checkpoint, nightly, gates }, reader) {
    const names = gates.map((gate) => gate.name);
    for (const [section, named] of [
      ['checkpoint', checkpoint.gates],
      ['nightly', nightly.gates],
    ] as const)
      named.forEach((gate, i) => {
        if (!names.includes(gate))
          reader.problem(
            [section, 'gates', i],
            `${section}.gates: no gate "${gate}"${didYouMean(nearest(gate, names))}`,
          );
      });
  },
  function probesFit({ windows }, reader) {
    for (const { name, kind, ready } of windows)
      if (kind === 'task' && ready)
        reader.problem(
          ['windows', name, 'ready'],
          `windows.${name} is a task: it ends, so it has no ready probe`,
        );
  },
  function scratchPathsInside({ worktree }, reader) {
    for (const key of ['link', 'copy'] as const) {
      const paths = worktree[key];
      if (paths === 'auto') continue;
      paths.forEach((given, i) => {
        const why = whyNoScratchPath(given);
        if (why !== undefined)
          reader.problem(['worktree', key, i], `worktree.${key}: ${JSON.stringify(given)} ${why}`);
      });
    }
  },
];

/** Applies every rule; problems go to the reader. */
export function checkRules(config: Config, reader: Reader): void {
  for (const rule of rules) rule(config, reader);
}

/** Why a path cannot be linked or copied from the repository into another work tree of it. */
function whyNoScratchPath(given: string): string | undefined {
  const parts = path.normalize(given).split(path.sep).filter(Boolean);
  if (path.isAbsolute(given) || parts[0] === '..')
    return 'is not inside the repository: write a path relative to its top folder';
  if (parts.every((part) => part === '.')) return 'is the whole repository: name what is needed in it';
  if (parts.some((part) => part.toLowerCase() === '.git'))
    return 'is what git itself keeps: each work tree has its own';
  return undefined;
}

/** The first circle in `needs`, its start repeated at the end. */
function findCycle(windows: readonly WindowConfig[]): readonly string[] | undefined {
  const needs = new Map(
    windows.map((window) => [window.name, window.needs.filter((need) => need !== window.name)]),
  );
  const finished = new Set<string>();
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (finished.has(name)) return undefined;
    for (const need of needs.get(name) ?? []) {
      const cycle = visit(need, [...path, name]);
      if (cycle) return cycle;
    }
    finished.add(name);
    return undefined;
  };
  for (const { name } of windows) {
    const cycle = visit(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}
