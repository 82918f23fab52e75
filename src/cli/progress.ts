import { formatDuration, systemClock } from '../base/index.ts';
import type { Progress, ProgressState } from '../commands/context.ts';

declare const DEVENV_ON_BOX: boolean | undefined;

/** Whether this build brings what draws live lists: the one that is sent to remote boxes does not. */
export const drawsLists = typeof DEVENV_ON_BOX === 'undefined';

/** What has not come to its end yet. */
const goesOn = (state: ProgressState): boolean =>
  state === 'waiting' || state === 'starting' || state === 'running';

/** One line per change, for logs and pipes. */
export function plainProgress(note: (line: string) => void): Progress {
  const seen = new Map<string, string>();
  return {
    update(title, state, detail) {
      const line = `${title}: ${state}${detail ? ` (${detail})` : ''}`;
      // A detail that changes while something waits is not news worth a line each time.
      const key = goesOn(state) ? state : line;
      if (seen.get(title) === key) return;
      seen.set(title, key);
      note(line);
    },
    end: () => Promise.resolve(),
  };
}

interface Row {
  settle(state: ProgressState, detail?: string): void;
  show(detail: string): void;
}

/** A live list on a terminal (listr2), drawn from what the engine reports. */
export function liveProgress(titles: readonly string[]): Progress {
  const rows = new Map<string, Row>();
  const started = systemClock.monotonic();
  const drawn = drawList(titles, rows);
  return {
    update(title, state, detail) {
      const show = async (): Promise<void> => {
        await drawn.ready;
        const row = rows.get(title);
        if (goesOn(state)) row?.show(detail || state);
        else row?.settle(state, detail ?? formatDuration(systemClock.monotonic() - started));
      };
      void show();
    },
    async end() {
      await drawn.ready;
      for (const row of rows.values()) row.settle('skipped');
      await drawn.finished;
    },
  };
}

function drawList(
  titles: readonly string[],
  rows: Map<string, Row>,
): { ready: Promise<unknown>; finished: Promise<void> } {
  const ready = Promise.withResolvers<undefined>();
  const draw = async (): Promise<void> => {
    const { Listr } = await import('listr2');
    const tasks = titles.map((title) => {
      const outcome = Promise.withResolvers<{ state: ProgressState; detail: string | undefined }>();
      let show: (text: string) => void = () => {};
      rows.set(title, {
        settle: (state, detail) => outcome.resolve({ state, detail }),
        show: (detail) => show(detail),
      });
      return {
        title,
        task: async (_: unknown, task: { title: string; output: string; skip: (text: string) => void }) => {
          show = (text) => (task.title = `${title}  ${text}`);
          const { state, detail } = await outcome.promise;
          task.title = detail ? `${title}  ${detail}` : title;
          if (state === 'skipped') task.skip(task.title);
          if (state === 'failed') throw new Error(task.title);
        },
      };
    });
    const list = new Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: true, showErrorMessage: false },
    });
    const run = list.run();
    ready.resolve(undefined);
    await run;
  };
  return { ready: ready.promise, finished: draw() };
}
