import { openLog, type Clock } from '../../src/base/index.ts';
import { rollBack, undoLast } from '../../src/rollback/index.ts';
import { watchProject, type Question, type View, type WatchEvent } from '../../src/watch/index.ts';
import { until } from '../support/until.ts';
import { testProject, type ProjectInput, type TestProject } from '../verify/support.ts';

/** A watcher at work on a project of its own. */
export interface Watching extends AsyncDisposable {
  readonly t: TestProject;
  readonly events: readonly WatchEvent[];
  readonly view: () => View;
  readonly press: (key: string) => void;
  readonly asked: readonly Question[];
  /** How many questions there had been each time that one was taken back. */
  readonly withdrawn: readonly number[];
  readonly told: readonly string[];
  readonly undo: () => Promise<unknown>;
  /** A rollback by hand. */
  readonly rollBack: (target: string) => Promise<unknown>;
  readonly ended: Promise<'quit' | 'stopped'>;
  /** The verdicts so far, oldest first. */
  readonly verdicts: () => readonly string[];
  readonly decisions: () => readonly string[];
  /** Waits for the next verdicts after the `count` that are known. */
  readonly verdictAfter: (count: number) => Promise<string>;
}

/** Starts watching; `attended` says whether somebody is there. */
export async function startWatching(
  input: ProjectInput & {
    readonly attended?: boolean;
    readonly on?: TestProject;
    readonly clock?: Clock;
    /** Before the watcher starts. */
    readonly prepare?: (t: TestProject) => Promise<void>;
    /** In the very moment before something is put back. */
    readonly beforeRollBack?: () => void;
  },
): Promise<Watching> {
  const t = input.on ?? testProject(input);
  await input.prepare?.(t);
  const log = await openLog(t.env);
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  const asked: Question[] = [];
  const withdrawn: number[] = [];
  const told: string[] = [];
  let view: View | undefined;
  let press: (key: string) => void = () => {};
  const rollbackDeps = { env: t.env, clock: t.deps.clock, restart: () => Promise.resolve([]) };
  const ended = watchProject({ ...t.deps, ...(input.clock ? { clock: input.clock } : {}), log }, t.project, {
    signal: stop.signal,
    around: () => ({
      attended: () => Promise.resolve(input.attended ?? false),
      ask: (question) => Promise.resolve(void asked.push(question)),
      withdraw: () => Promise.resolve(void withdrawn.push(asked.length)),
      tell: (text) => Promise.resolve(void told.push(text)),
      showStatus: () => Promise.resolve(),
      undo: () => undoLast(rollbackDeps, t.project),
      rollBack: ({ target, reason }) => {
        input.beforeRollBack?.();
        return rollBack(rollbackDeps, t.project, { target, reason });
      },
    }),
    report: (event, now) => {
      view = now;
      if (event.kind !== 'view') events.push(event);
    },
    onKey: (listener) => (press = listener),
  });
  const verdicts = (): string[] =>
    events.flatMap((event) => (event.kind === 'verdict' ? [event.verdict] : []));
  await until('the first picture', () => view);
  return {
    t,
    events,
    asked,
    withdrawn,
    told,
    ended,
    verdicts,
    view: () =>
      view ?? {
        project: '',
        branch: null,
        phase: 'starting',
        suites: [],
        tree: null,
        checkpoint: undefined,
        nextAt: undefined,
        why: '',
        decisions: [],
        notes: [],
      },
    press: (key) => press(key),
    undo: () => undoLast(rollbackDeps, t.project),
    rollBack: (target) => rollBack(rollbackDeps, t.project, { target, reason: 'user' }),
    decisions: () => events.flatMap((event) => (event.kind === 'checkpointer' ? [event.decision.kind] : [])),
    verdictAfter: async (count) => {
      await until(`verdict ${count + 1}`, () => verdicts().length > count);
      return verdicts().at(-1) ?? '';
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
      t.store.close();
    },
  };
}
