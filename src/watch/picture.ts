import type { Clock } from '../base/index.ts';
import type { Checkpoint } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import type { Verification, VerifyEvents } from '../verify/index.ts';
import type { Decision } from '../checkpointer/index.ts';
import type { Report, SuiteView, View, WatchEvent } from './types.ts';

/** What is to be seen, kept in one place; every change of it is reported. */
export type Picture = ReturnType<typeof createPicture>;

const keptDecisions = 20;

/** An empty picture of a project: nothing has run yet. */
export function createPicture(project: Project, report: Report, clock: Clock, before?: View) {
  const notes = new Map<string, string>();
  let isPaused = false;
  let view: View = {
    project: project.config.name,
    branch: before?.branch ?? null,
    phase: 'starting',
    suites: project.config.watch.suites.map((name) => ({ name, state: 'waiting', result: undefined })),
    tree: null,
    checkpoint: before?.checkpoint,
    nextAt: undefined,
    why: '',
    decisions: before?.decisions ?? [],
    notes: [],
  };
  const show = (change: Partial<View>, event: WatchEvent = { kind: 'view' }): void => {
    view = { ...view, ...change };
    report(event, view);
  };
  const suite = (name: string, change: Partial<SuiteView>): readonly SuiteView[] => {
    const known = view.suites.some((one) => one.name === name)
      ? view.suites
      : [...view.suites, { name, state: 'waiting' as const, result: undefined }];
    return known.map((one) => (one.name === name ? { ...one, ...change } : one));
  };

  return {
    /** A remark that stands until it is cleared; the same one is not told twice. */
    note: (key: string, text: string): void => {
      if (notes.get(key) === text) return;
      notes.set(key, text);
      show({ notes: [...notes.values()] }, { kind: 'note', text });
    },
    clear: (key: string): void => {
      if (notes.delete(key)) show({ notes: [...notes.values()] });
    },
    branch: (branch: string | null): void => {
      if (branch !== view.branch) show({ branch });
    },
    /** Nothing is judged, and why. */
    halted: (why: string): void => {
      const suites = view.suites.map(({ name }) => ({ name, state: 'stopped' as const, result: undefined }));
      show(
        { phase: 'halted', suites, tree: null, nextAt: undefined, why: '', notes: [why] },
        { kind: 'note', text: why },
      );
    },
    paused: (paused: boolean): void => {
      isPaused = paused;
      show(
        { phase: paused ? 'paused' : 'idle' },
        { kind: 'note', text: paused ? 'paused' : 'watching again' },
      );
    },
    testing: ({
      tree,
      suites,
    }: {
      readonly tree: string | null;
      readonly suites: readonly string[];
    }): void => {
      const waiting = view.suites.map((one) =>
        suites.includes(one.name) ? { ...one, state: 'waiting' as const } : one,
      );
      show({ phase: 'testing', tree, suites: waiting }, { kind: 'testing', tree, suites, reason: 'change' });
    },
    /** What a run of suites on one tree tells. */
    events: (): VerifyEvents => ({
      start: (name) => show({ suites: suite(name, { state: 'running' }) }),
      rerun: (result, attempt) =>
        show(
          { suites: suite(result.name, { state: 'rerunning', result }) },
          { kind: 'rerun', suite: result.name, attempt },
        ),
      result: (result) => {
        // Whether it is of this tree is known only when all have ended and the tree was compared.
        if (result.verdict !== 'stopped')
          show({ suites: suite(result.name, { state: result.verdict, result }) });
      },
    }),
    ended: (found: Verification): void => {
      if (found.verdict !== 'stopped') notes.delete('configuration');
      const stale = new Map(
        found.suites.filter((one) => one.verdict === 'stale').map((one) => [one.name, one]),
      );
      const suites = view.suites.map((one) => {
        const result = stale.get(one.name);
        if (result) return { ...one, state: 'stale' as const, result };
        return isOpen(one) ? { ...one, state: 'stopped' as const, result: undefined } : one;
      });
      if (found.verdict !== 'stopped')
        for (const result of found.suites) report({ kind: 'result', tree: found.tree, result }, view);
      show(
        { phase: isPaused ? 'paused' : 'idle', suites, notes: [...notes.values()] },
        { kind: 'verdict', tree: found.tree, verdict: found.verdict, why: found.why },
      );
    },
    /** The verdict of the present tree is known from before. */
    known: (found: Verification): void => {
      if (!view.suites.some((one) => isOpen(one) || one.state === 'stopped')) return;
      const results = new Map(found.suites.map((one) => [one.name, one]));
      const suites = view.suites.map((one) => {
        const result = results.get(one.name);
        return result ? { ...one, state: result.verdict, result } : one;
      });
      show({ suites });
    },
    checkpointer: (
      state: { readonly nextAt: number | undefined; readonly why: string } | undefined,
      told: { readonly decision?: Decision; readonly checkpoint?: Checkpoint; readonly busy: boolean },
    ): void => {
      const { decision, checkpoint } = told;
      const change = {
        nextAt: state?.nextAt,
        why: state?.why ?? '',
        ...(checkpoint ? { checkpoint: { tag: checkpoint.tag, at: Date.parse(checkpoint.at) } } : {}),
        ...(decision
          ? { decisions: [{ ...decision, at: clock.now() }, ...view.decisions].slice(0, keptDecisions) }
          : {}),
      };
      if (decision || change.nextAt !== view.nextAt || change.why !== view.why || checkpoint)
        show(change, decision ? { kind: 'checkpointer', decision } : { kind: 'view' });
    },
    view: () => view,
    /** A few words for a status line. */
    status: (): string =>
      [
        ...view.suites.map(({ name, state, result }) => `${name} ${symbolOf(state, result?.verdict)}`),
        ...(view.checkpoint ? [`kept ${new Date(view.checkpoint.at).toTimeString().slice(0, 5)}`] : []),
      ].join('  '),
  };
}

const isOpen = ({ state }: Pick<SuiteView, 'state'>): boolean =>
  state === 'running' || state === 'waiting' || state === 'rerunning';

// A verdict on an older tree is no verdict on this one.
function symbolOf(state: SuiteView['state'], verdict: keyof typeof symbols | undefined): string {
  if (isOpen({ state })) return '…';
  return verdict ? symbols[verdict] : '-';
}

const symbols: Readonly<Record<NonNullable<SuiteView['result']>['verdict'], string>> = {
  passed: '✓',
  failed: '✗',
  flaky: '~',
  broken: '!',
  stale: '?',
  stopped: '-',
};
