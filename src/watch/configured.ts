import { formatDuration, messageOf, self } from '../base/index.ts';
import { checkpointerFact } from '../checkpointer/index.ts';
import { reloadProject, type Project } from '../config/index.ts';
import { oneAtATime } from './held-key.ts';
import { createPicture } from './picture.ts';
import type { Report, Surroundings, View, WatchDeps } from './types.ts';
import { watchOnce } from './watch.ts';

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

/** A mistake is looked at again this often; it may stay for minutes, that there is no suite for ever. */
const againMs = { mistake: 500, 'no suite': 2000 };
/** More changes than this in a minute are no person's: something writes the files with every run. */
const mostChanges = 5;
const minuteMs = 60_000;

type Listen = (key: string) => void;

/**
 * Watches a project until the signal or `q`, always under the configuration that lies on the disk: when that
 * changes, what runs is ended and all begins anew. While there is a mistake or no suite in it, nothing is judged.
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
  const begun =
    whyNotWatched(first) === undefined
      ? { project: first, view: undefined }
      : await readAnew(deps, first, { ...input, view: undefined, onKey, pauseMs: 0 });
  if (typeof begun === 'string') return begun;
  for (let { project, view: before }: Anew = begun; ;) {
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
    const next = await readAnew(deps, project, { ...input, view: ended.view, onKey, pauseMs });
    if (typeof next === 'string') return next;
    ({ project, view: before } = next);
  }
}

interface Anew {
  readonly project: Project;
  /** What was to be seen before; undefined: nothing yet. */
  readonly view: View | undefined;
}

interface AnewInput extends WatchInput, Pick<Anew, 'view'> {
  readonly onKey: (listen: Listen) => void;
  readonly pauseMs: number;
}

/** The project as it is now, as soon as there is no mistake and a suite in it; until then that is shown. */
async function readAnew(
  deps: WatchDeps,
  project: Project,
  input: AnewInput,
): Promise<Anew | 'quit' | 'stopped'> {
  const quit = new AbortController();
  const until = AbortSignal.any([input.signal, quit.signal]);
  const around = input.around(project);
  const picture = createPicture(project, input.report, deps.clock, input.view);
  const fact = (why: string): void =>
    deps.store.setValue(project.id, checkpointerFact, {
      why,
      ...(quit.signal.aborted ? {} : { pid: self.pid }),
    });
  let told = '';
  const tell = (why: string, status = 'configuration !'): void => {
    if (why === told) return;
    told = why;
    picture.halted(why);
    const line = why.replaceAll('\n', '; ');
    fact(line);
    deps.log.warn({}, line);
    around.showStatus(status).catch(() => {});
  };
  const rollBack = oneAtATime(() => around.rollBack({ reason: 'user' }));
  input.onKey((key) => {
    if (key === 'q' || key === '\u0003' || key === '\u0004') quit.abort();
    else if (key === 'r') rollBack()?.catch((error: unknown) => tell(messageOf(error)));
  });
  if (input.pauseMs > 0) {
    tell(`the configuration changes all the time; it is read again in ${formatDuration(input.pauseMs)}`);
    await deps.clock.sleep(input.pauseMs, until);
  }
  while (!until.aborted) {
    const found = await tryToRead(project, input);
    if ('project' in found)
      return { project: found.project, view: input.view && { ...input.view, notes: [] } };
    const status = found.kind === 'mistake' ? undefined : found.kind;
    tell(`nothing is tested and no checkpoint is made: ${found.why}`, status);
    await deps.clock.sleep(againMs[found.kind], until);
  }
  fact('devenv watch is not running');
  return input.signal.aborted ? 'stopped' : 'quit';
}

interface Halt {
  readonly kind: keyof typeof againMs;
  readonly why: string;
}

/** The project, or what is wrong with its configuration. */
async function tryToRead(
  known: Project,
  { prepare }: Pick<WatchInput, 'prepare'>,
): Promise<{ readonly project: Project } | Halt> {
  try {
    const now = await reloadProject(known);
    const why = whyNotWatched(now ?? known);
    if (why !== undefined) return { kind: 'no suite', why };
    return { project: now && prepare ? await prepare(now) : (now ?? known) };
  } catch (error) {
    return { kind: 'mistake', why: messageOf(error) };
  }
}

/** Why there is nothing to run, and what to write, a line each; undefined when there is something. */
function whyNotWatched({ config }: Project): string | undefined {
  // Gates of the checkpointer bring suites of their own.
  if (config.watch.suites.length + config.checkpoint.gates.length > 0) return undefined;
  return config.suites.length === 0
    ? 'there is no suite\nadd one to devenv.yaml, as suites: { unit: { command: npm test } }'
    : 'no suite is to be watched\nname some in devenv.yaml, as watch: { suites: [unit] }';
}
