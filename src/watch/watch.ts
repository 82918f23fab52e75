import { endMarked, messageOf } from '../base/index.ts';
import {
  lookThroughGit,
  watchLock,
  type Decision,
  type Look,
  type RolledBack,
  type WatchLock,
} from '../checkpointer/index.ts';
import { configFiles, reloadProject, type Project } from '../config/index.ts';
import { repoOf } from '../verify/index.ts';
import { createIgnoreRules } from './ignore.ts';
import { watchIgnored } from './ignored.ts';
import { createEngine, degradedSweepMs, type Engine } from './engine.ts';
import { oneAtATime } from './held-key.ts';
import { lookAtFolder } from './look.ts';
import { excludeFiles, watchFiles } from './source.ts';
import { createPruner } from './pruner.ts';
import { makeWay } from './night.ts';
import { createTimer } from './timer.ts';
import type { Timer, TimerView } from './timer-types.ts';
import type { Report, Surroundings, View, WatchDeps } from './types.ts';
import { createPicture, type Picture } from './picture.ts';

export interface WatchOnceInput {
  /** Ends the watching, whatever runs. */
  readonly signal: AbortSignal;
  readonly around: Surroundings;
  readonly report: Report;
  /** Keys pressed: a f p c r q. */
  readonly onKey?: (listener: (key: string) => void) => void;
  /** What was to be seen before the configuration changed. */
  readonly before?: View | undefined;
}

/** The configuration on the disk is another one than the one that was watched under. */
export interface Outdated {
  readonly kind: 'outdated';
  readonly view: View;
}

/**
 * Watches a project until the signal, `q`, or a change of its configuration: runs the suites of `watch.suites` on every change of the tree and,
 * unless another `devenv watch` does it already, the timed checkpointer.
 */
export async function watchOnce(
  outer: WatchDeps,
  project: Project,
  input: WatchOnceInput,
): Promise<'quit' | 'stopped' | Outdated> {
  const deps = { ...outer, env: { ...outer.env, [markName]: project.id } };
  const quit = new AbortController();
  const signal = AbortSignal.any([input.signal, quit.signal]);
  const repo = await repoOf(deps, project);
  const top = repo?.root ?? project.root;
  const files = {
    top,
    excludeFiles: await excludeFiles(repo, deps.env),
    globs: project.config.watch.ignore,
    always: configFiles(project),
  };
  const ignored = watchIgnored(project);
  const outputs = project.config.suites.flatMap((suite) =>
    suite.results === undefined ? [] : [suite.results],
  );
  const lookAtTree = repo
    ? lookThroughGit(deps, project, repo, ignored)
    : lookAtFolder(project.root, createIgnoreRules(files), outputs);
  const picture = createPicture(project, input.report, deps.clock, input.before);
  let outdated = false;
  const configured = async (): Promise<boolean> => {
    if (signal.aborted) return false;
    const changed = await isOutdated(project);
    // Who quits meanwhile quits.
    if (changed && !quit.signal.aborted) {
      outdated = true;
      quit.abort();
    }
    return !changed;
  };
  const look: Look = async () => (await Promise.all([lookAtTree(), configured()]))[0];
  using lock = repo ? watchLock(deps, project) : undefined;
  if (input.before) picture.note('configuration', 'the configuration changed: everything is tested anew');
  noteLock(picture, lock);
  // Tests of a watcher that was killed still run, and hold ports and files.
  if (lock?.state() === 'held') await endMarked(deps.clock, `${markName}=${project.id}`);

  const engine = createEngine({ deps, project, look, ignored, picture, around: input.around, signal });
  await using _source = watchFiles(
    { ...files, gitDir: repo?.gitDir },
    {
      changed: () => engine.hint(),
      degraded: (why) => {
        picture.note(
          'degraded',
          `some changes may be noticed only after ${degradedSweepMs / 1000} s: ${why}`,
        );
        engine.sweepEvery(degradedSweepMs);
      },
    },
  );
  const pruner = repo && createPruner(deps, project, repo);
  const timer =
    repo && lock
      ? createTimer(deps, project, {
          repo,
          lock,
          around: input.around,
          watched: engine.watched,
          ignored,
          hint: () => engine.hint(),
          configured,
          events: {},
          changed: (told) => {
            picture.checkpointer(timerView(timer), told);
            if (told.checkpoint) engine.showStatus();
            if (told.decision?.kind === 'tagged') pruner?.soon();
            if (told.decision?.kind === 'lock') noteLock(picture, lock);
          },
        })
      : undefined;
  engine.attach(timer);
  const rollBack = oneAtATime(() => input.around.rollBack({ reason: 'user' }));
  input.onKey?.((key) => onKey(key, { engine, timer, quit, picture, rollBack }));
  if (input.before?.phase === 'paused') engine.togglePause();
  const way = makeWay({ deps, id: project.id, engine, timer, picture });
  await way.look();
  engine.start();
  await Promise.all([timer?.run(signal), engine.run(signal), way.run(signal)]);
  await pruner?.done();
  if (outdated && !input.signal.aborted) return { kind: 'outdated', view: picture.view() };
  return input.signal.aborted ? 'stopped' : 'quit';
}

async function isOutdated(project: Project): Promise<boolean> {
  try {
    return (await reloadProject(project)) !== undefined;
  } catch {
    return true; // who reads it next says what is wrong
  }
}

function timerView(timer: Timer | undefined): TimerView | undefined {
  return timer?.state();
}

/** In the environment of everything the watcher runs. */
const markName = 'DEVENV_WATCH';

/** Says why this watcher makes no checkpoints, as long as it is so. */
function noteLock(picture: Picture, lock: WatchLock | undefined): void {
  const state = lock?.state();
  if (state === undefined) picture.note('checkpoints', 'no checkpoints: this is not a git repository');
  else if (typeof state === 'object')
    picture.note('checkpoints', `${state.holder} makes the checkpoints here; this one only tests`);
  else picture.clear('checkpoints');
}

interface KeyContext {
  readonly engine: Engine;
  readonly timer: Timer | undefined;
  readonly quit: AbortController;
  readonly picture: Picture;
  readonly rollBack: () => Promise<RolledBack> | undefined;
}

function onKey(key: string, { engine, timer, quit, picture, rollBack }: KeyContext): void {
  const say = (decision: Decision): void => picture.checkpointer(timerView(timer), { decision, busy: false });
  const failed = (error: unknown): void => say({ kind: 'kept', text: messageOf(error) });
  if (key === 'a') engine.want('all');
  else if (key === 'f') engine.want('failed');
  else if (key === 'p') engine.togglePause();
  else if (key === 'q' || key === '\u0003' || key === '\u0004') quit.abort();
  else if (key === 'c') timer?.checkpointNow().catch(failed);
  else if (key === 'r') {
    rollBack()
      ?.then(
        (done) => say({ kind: 'reset', text: `rolled back to ${done.to}; devenv undo takes it back` }),
        failed,
      )
      .finally(() => engine.hint());
  }
}
