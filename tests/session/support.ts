import { mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { projectId, systemClock } from '../../src/base/index.ts';
import type { Project, WindowConfig } from '../../src/config/index.ts';
import type { SessionDeps } from '../../src/session/index.ts';
import { createTmux, type PaneRow } from '../../src/tmux/index.ts';
import { keepDefaults, nightlyDefaults } from '../support/keep.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { tempDir } from '../support/temp.ts';

/** A private tmux server and everything a session function is given. */
export interface World extends PrivateTmux {
  readonly deps: SessionDeps;
  readonly root: string;
}

export function makeWorld(name = 'shop', extra: NodeJS.ProcessEnv = {}): World {
  const server = privateTmux(extra);
  const dir = path.join(tempDir('project'), name);
  mkdirSync(dir);
  const deps = {
    env: server.env,
    clock: systemClock,
    tmux: createTmux(server.env),
    program: path.join(import.meta.dirname, 'program.ts'),
  };
  return { ...server, root: realpathSync(dir), deps };
}

export type WindowInput = Partial<Omit<WindowConfig, 'panes'>> & {
  readonly name: string;
  readonly commands?: readonly (string | undefined)[];
};

/** A window as the configuration gives it, with defaults. */
export function windowConfig(root: string, { commands, ...input }: WindowInput): WindowConfig {
  return {
    kind: 'service',
    split: 'even-vertical',
    focus: false,
    port: undefined,
    ready: undefined,
    needs: [],
    restart: { policy: 'no', max: 5, backoffMinMs: 50, backoffMaxMs: 200 },
    stop: { signal: 'SIGTERM', graceMs: 1000 },
    run: undefined,
    env: {},
    cwd: root,
    panes: (commands ?? [undefined]).map((command) => ({ command })),
    ...input,
  };
}

/** A project of some windows. */
export function makeProject(
  root: string,
  windows: readonly WindowInput[],
  env: Record<string, string> = {},
): Project {
  return {
    root,
    id: projectIdOf(root),
    sessionName: 'shop',
    configFile: undefined,
    detected: [],
    origins: {},
    config: {
      name: 'shop',
      layout: undefined,
      env,
      windows: windows.map((w) => windowConfig(root, w)),
      suites: [],
      watch: { suites: [], debounceMs: 50, ignore: [] },
      gates: [],
      checkpoint: {
        everyMs: 1,
        quietMs: 1,
        gates: [],
        onFailure: 'keep',
        verifyIn: 'place',
        tags: 'all',
        keep: keepDefaults,
        maxFileBytes: 1,
      },
      nightly: nightlyDefaults,
      worktree: { link: [], copy: [] },
      logs: { dir: undefined, maxSizeBytes: 1_000_000, keep: 2 },
      hosts: {},
    },
  };
}

function projectIdOf(root: string): string {
  return root.startsWith('/nowhere') ? 'nowhere' : projectId(root);
}

/** A pane as tmux lists it, for pure functions. */
export function paneRow(row: Partial<PaneRow> = {}): PaneRow {
  return {
    sessionId: '$1',
    windowId: '@1',
    paneId: '%1',
    sessionName: 'shop',
    windowName: 'api',
    windowIndex: 0,
    attached: 0,
    panePid: 100,
    dead: false,
    deadStatus: undefined,
    deadSignal: undefined,
    serverPid: 50,
    version: '3.3a',
    marks: {},
    ...row,
  };
}

/** A pane of devenv's own session of `/nowhere/shop`. */
export function ownRow(
  window: string,
  id: number,
  marks: PaneRow['marks'] = {},
  rest: Partial<PaneRow> = {},
): PaneRow {
  const own = {
    id: 'abc',
    root: '/nowhere/shop',
    name: 'shop',
    window,
    pane: '0',
    kind: 'service',
    state: 'running',
  };
  return paneRow({
    windowId: `@${id}`,
    paneId: `%${id}`,
    windowIndex: id,
    windowName: window,
    marks: { ...own, ...marks },
    ...rest,
  });
}
