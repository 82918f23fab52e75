import { readFileSync } from 'node:fs';
import { openLog, type Clock } from '../../src/base/index.ts';
import { createCheckpoint } from '../../src/checkpoint/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { runNightly, type Finished, type NightlyInput, type Surroundings } from '../../src/nightly/index.ts';
import { rollBack, undoLast } from '../../src/rollback/index.ts';
import { testProject, type ProjectInput, type TestProject } from '../verify/support.ts';

/** A project that has nights. */
export interface Nightly {
  readonly t: TestProject;
  /** One night. */
  readonly night: (over?: Partial<NightlyInput>) => Promise<Finished>;
  /** What was told to who is attached. */
  readonly told: readonly string[];
  readonly undo: () => Promise<unknown>;
  readonly rollBack: (target: string) => Promise<unknown>;
  /** A good checkpoint of the present. */
  readonly keepGood: () => Promise<string>;
  readonly code: () => string;
  readonly markdown: (night: Finished) => string;
}

export const isGood = { name: 'unit', command: 'grep -q good code.txt' };

/** Makes it; the session is somebody else's, and well. */
export function makeNightly(
  input: Partial<ProjectInput> & {
    readonly clock?: Clock;
    readonly heal?: Surroundings['heal'];
    readonly restart?: () => Promise<readonly string[]>;
  } = {},
): Nightly {
  const t = testProject({ suites: [isGood], ...input, checkpoint: { quietMs: 0, ...input.checkpoint } });
  const deps = { ...t.deps, ...(input.clock ? { clock: input.clock } : {}) };
  const rollbackDeps = {
    env: t.env,
    clock: t.deps.clock,
    restart: input.restart ?? (() => Promise.resolve([])),
  };
  const told: string[] = [];
  const around: Surroundings = {
    heal:
      input.heal ??
      (() => Promise.resolve({ state: 'running', name: 'shop', restarted: [], notReady: [], why: null })),
    rollBack: ({ target, reason }) => rollBack(rollbackDeps, t.project, { target, reason }),
    undo: () => undoLast(rollbackDeps, t.project),
    tell: (text) => Promise.resolve(void told.push(text)),
  };
  return {
    t,
    told,
    night: async (over) =>
      runNightly({ ...deps, log: await openLog(t.env) }, t.project, {
        signal: new AbortController().signal,
        around,
        ignored: () => false,
        caughtUp: false,
        onProgress: () => {},
        ...over,
      }),
    undo: () => undoLast(rollbackDeps, t.project),
    rollBack: (target) => rollBack(rollbackDeps, t.project, { target, reason: 'user' }),
    keepGood: async () => {
      const repo = await openRepo({ cwd: t.root, env: t.env });
      const now = t.deps.clock.now();
      return (await createCheckpoint(repo, { verdict: 'passed', reason: 'user', tags: 'all', now })).tag;
    },
    code: () => readFileSync(`${t.root}/code.txt`, 'utf8'),
    markdown: ({ file }) => readFileSync(`${file}.md`, 'utf8'),
  };
}
