import { formatDuration, messageOf, showName } from '../base/index.ts';
import type { Looked } from '../checkpointer/index.ts';
import type { Project } from '../config/index.ts';
import { verify, type Verification } from '../verify/index.ts';
import { startLoop, stepLoop, type LoopAction, type LoopEvent, type LoopState, type Scope } from './loop.ts';
import type { Picture } from './picture.ts';
import type { Timer } from './timer-types.ts';
import type { Surroundings, WatchDeps } from './types.ts';

/** Also when no event told of anything the tree is looked at this often; oftener when events are known to be lost. */
const sweepMs = 60_000;
export const degradedSweepMs = 5000;

export interface EngineInput {
  readonly deps: WatchDeps;
  readonly project: Project;
  readonly look: () => Promise<Looked>;
  readonly ignored: (path: string) => boolean;
  readonly picture: Picture;
  readonly around: Surroundings;
  readonly signal: AbortSignal;
}

/** The watcher at work: it carries out what the loop decides. */
export type Engine = ReturnType<typeof createEngine>;

/** Makes the engine of one work tree; nothing happens before `start`. */
export function createEngine({ deps, project, look, ignored, picture, around, signal }: EngineInput) {
  const { clock } = deps;
  const begin = startLoop(project.config.watch.debounceMs, clock.monotonic());
  let loop: LoopState = begin.state;
  let looked: Looked | undefined;
  let editedAt = clock.monotonic();
  let run: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  let last: { readonly key: string; readonly found: Verification } | undefined;
  let timer: Timer | undefined;
  let interval = sweepMs;
  let rest = new AbortController();
  let cutBy: Looked['changed'] = () => Promise.resolve([]);
  let shown = '';
  let telling: Promise<unknown> = Promise.resolve();

  const send = (event: LoopEvent): void => {
    if (signal.aborted) return;
    const step = stepLoop(loop, event);
    loop = step.state;
    for (const action of step.actions) perform(action);
  };
  const hint = (): void => send({ kind: 'hint', at: clock.monotonic() });

  const perform = (action: LoopAction): void => {
    if (action.kind === 'look') void doLook();
    else if (action.kind === 'run') running = doRun(action.tree, action.scope);
    else if (action.kind === 'cancel') run?.abort();
    else if (action.kind === 'wake')
      void clock
        .sleep(Math.max(0, action.at - clock.monotonic()), signal)
        .then(() => send({ kind: 'wake', at: clock.monotonic() }));
    else picture.note('held', describeHold(action, clock.monotonic()));
  };

  const doLook = async (): Promise<void> => {
    const hintAt = loop.lastHintAt;
    try {
      const found = await look();
      if (looked && looked.key !== found.key) {
        editedAt = hintAt;
        cutBy = found.changed;
      }
      looked = found;
      picture.clear('look');
      picture.branch(found.present.snapshot?.branch ?? null);
      const changed = loop.held ? await found.changed() : [];
      send({ kind: 'looked', at: clock.monotonic(), tree: found.key, changed });
      showKnown();
    } catch (error) {
      picture.note('look', `the tree could not be read: ${messageOf(error)}`);
      await clock.sleep(1000, signal);
      send({ kind: 'look-failed', at: clock.monotonic() });
    }
  };

  const doRun = async (key: string, scope: Scope): Promise<void> => {
    run = new AbortController();
    const abort = AbortSignal.any([signal, run.signal]);
    // It judges another tree than this one; its processes must not be in the way of the tests.
    await timer?.interrupt();
    const failed =
      last?.found.suites.filter((suite) => suite.verdict !== 'passed').map((suite) => suite.name) ?? [];
    const suites = scope === 'failed' && failed.length > 0 ? failed : project.config.watch.suites;
    const present = looked?.present;
    picture.clear('held');
    picture.testing({ tree: present?.tree ?? null, suites });
    try {
      const judging = verify(deps, project, {
        suites,
        reason: 'watch',
        reruns: 1,
        signal: abort,
        ignored,
        on: picture.events(),
        ...(present ? { before: present } : {}),
      });
      // Only now: the tests do not wait for tmux.
      showStatus();
      await finish(key, await judging, suites);
    } catch (error) {
      picture.note('run', `the tests could not be run: ${messageOf(error)}`);
      deps.log.error({ error: messageOf(error) }, 'the tests could not be run');
      send({ kind: 'ended', at: clock.monotonic(), verdict: 'judged', changed: [] });
    }
  };

  const finish = async (key: string, found: Verification, suites: readonly string[]): Promise<void> => {
    run = undefined;
    if (found.verdict !== 'stopped' && found.verdict !== 'stale') {
      const others =
        last?.key === key ? last.found.suites.filter((suite) => !suites.includes(suite.name)) : [];
      const whole = project.config.watch.suites.every((name) =>
        [...others, ...found.suites].some((suite) => suite.name === name),
      );
      if (whole) last = { key, found: { ...found, suites: [...others, ...found.suites] } };
    }
    picture.ended(found);
    showStatus();
    const verdict = found.verdict === 'stopped' || found.verdict === 'stale' ? found.verdict : 'judged';
    const changed = found.verdict === 'stopped' ? await cutBy() : found.changed;
    send({ kind: 'ended', at: clock.monotonic(), verdict, changed });
    showKnown();
  };

  // A change that was taken back during its run starts nothing: what is known of this tree stands again.
  const showKnown = (): void => {
    if (loop.running !== undefined || !last || last.key !== looked?.key) return;
    picture.known(last.found);
    showStatus();
  };

  // One after the other: an older text must not come after a newer one.
  const showStatus = (): void => {
    const text = picture.status();
    if (text === shown) return;
    shown = text;
    telling = telling
      .then(() => around.showStatus(text))
      .catch((error: unknown) => deps.log.warn({ error: messageOf(error) }, 'no status in tmux'));
  };

  return {
    hint,
    start: (): void => begin.actions.forEach(perform),
    attach: (made: Timer | undefined): void => void (timer = made),
    want: (scope: Scope): void => send({ kind: 'want', at: clock.monotonic(), scope }),
    /** From now on: not only when the pause that has begun is over. */
    sweepEvery: (ms: number): void => {
      interval = ms;
      rest.abort();
    },
    /** Something that the status line tells is another now. */
    showStatus,
    togglePause: (): void => {
      send({ kind: loop.paused ? 'resume' : 'pause', at: clock.monotonic() });
      picture.paused(loop.paused);
      timer?.pause(loop.paused);
    },
    /** Runs no tests until it is let go. false: it was so already, by hand. */
    hold: (held: boolean): boolean => {
      if (held === loop.paused) return false;
      send({ kind: held ? 'pause' : 'resume', at: clock.monotonic() });
      picture.paused(loop.paused);
      return true;
    },
    watched: () => ({ key: looked?.key, editedAt, testing: loop.running !== undefined, judged: last }),
    /** Sweeps until the end; resolves when nothing runs any more. */
    run: async (until: AbortSignal): Promise<void> => {
      while (!until.aborted) {
        rest = new AbortController();
        await clock.sleep(interval, AbortSignal.any([until, rest.signal]));
        hint();
      }
      await running;
    },
  };
}

function describeHold(hold: Extract<LoopAction, { kind: 'hold' }>, at: number): string {
  const files = hold.files.slice(0, 3).map(showName).join(', ');
  const pause = formatDuration(hold.until - at);
  return `no verdict: ${files} changed during every run. Tested again at the next change or in ${pause} (if the tests write it, put it into .gitignore)`;
}
