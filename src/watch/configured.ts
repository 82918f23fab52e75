import { formatDuration, messageOf, self } from '../base/index.ts';
import { checkpointerFact } from '../checkpointer/index.ts';
import { reloadProject, type Project } from '../config/index.ts';
import { createPicture } from './picture.ts';
import type { Report, Surroundings, View, WatchDeps } from './types.ts';
import { watchOnce, type Outdated } from './watch.ts';

export interface WatchInput {
  /** Ends the watching, whatever runs. */
  readonly signal: AbortSignal;
  readonly around: (project: Project) => Surroundings;
  readonly report: Report;
  /** Keys pressed: a f p c r q. */
  readonly onKey?: (listener: (key: string) => void) => void;
  /** What a project needs before it is watched, when it was read anew. */
  readonly prepare?: (project: Project) => Promise<Project>;
}

/** A mistake is looked at again this often. */
const againMs = 500;
/** More changes than this in a minute are no person's: something writes the files with every run. */
const mostChanges = 5;
const minuteMs = 60_000;

type Listen = (key: string) => void;

/**
 * Watches a project until the signal or `q`, always under the configuration that lies on the disk: when that
 * changes, what runs is ended and all begins anew. While there is a mistake in it, nothing is judged.
 */
export async function watchProject(
  deps: WatchDeps,
  first: Project,
  input: WatchInput,
): Promise<'quit' | 'stopped'> {
  let listener: Listen = () => {};
  input.onKey?.((key) => listener(key));
  const onKey = (listen: Listen): void => void (listener = listen);
  let changes: readonly number[] = [];
  let before: View | undefined;
  for (let project = first; ;) {
    const { signal, report } = input;
    const ended = await watchOnce(deps, project, {
      signal,
      report,
      around: input.around(project),
      onKey,
      before,
    });
    if (typeof ended === 'string') return ended;
    const at = deps.clock.monotonic();
    changes = [...changes.filter((one) => at - one < minuteMs), at];
    const pauseMs = changes.length > mostChanges ? 2 ** (changes.length - mostChanges) * 1000 : 0;
    const next = await readAnew(deps, project, { ...input, ended, onKey, pauseMs });
    if (typeof next === 'string') return next;
    ({ project, view: before } = next);
  }
}

interface AnewInput extends WatchInput {
  readonly ended: Outdated;
  readonly onKey: (listen: Listen) => void;
  readonly pauseMs: number;
}

/** The project as it is now, as soon as there is no mistake in it; until then the mistake is shown. */
async function readAnew(
  deps: WatchDeps,
  project: Project,
  input: AnewInput,
): Promise<{ readonly project: Project; readonly view: View } | 'quit' | 'stopped'> {
  const quit = new AbortController();
  const until = AbortSignal.any([input.signal, quit.signal]);
  const around = input.around(project);
  const picture = createPicture(project, input.report, deps.clock, input.ended.view);
  const fact = (why: string): void =>
    deps.store.setValue(project.id, checkpointerFact, {
      why,
      ...(quit.signal.aborted ? {} : { pid: self.pid }),
    });
  let told = '';
  const tell = (why: string): void => {
    if (why === told) return;
    told = why;
    picture.halted(why);
    fact(why);
    deps.log.warn({}, why);
    around.showStatus('configuration !').catch(() => {});
  };
  input.onKey((key) => {
    if (key === 'q' || key === '\u0003' || key === '\u0004') quit.abort();
    else if (key === 'r')
      around.rollBack({ reason: 'user' }).catch((error: unknown) => tell(messageOf(error)));
  });
  if (input.pauseMs > 0) {
    tell(`the configuration changes all the time; it is read again in ${formatDuration(input.pauseMs)}`);
    await deps.clock.sleep(input.pauseMs, until);
  }
  while (!until.aborted) {
    const found = await tryToRead(project, input);
    if (typeof found !== 'string') return { project: found, view: { ...input.ended.view, notes: [] } };
    tell(`nothing is tested and no checkpoint is made: ${found}`);
    await deps.clock.sleep(againMs, until);
  }
  fact('devenv watch is not running');
  return input.signal.aborted ? 'stopped' : 'quit';
}

/** The project, or what is wrong with its configuration. */
async function tryToRead(
  project: Project,
  { prepare }: Pick<WatchInput, 'prepare'>,
): Promise<Project | string> {
  try {
    const now = await reloadProject(project);
    if (!now) return project;
    if (now.config.watch.suites.length === 0) return 'there is no suite to watch in devenv.yaml';
    return prepare ? await prepare(now) : now;
  } catch (error) {
    return messageOf(error);
  }
}
