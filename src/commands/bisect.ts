import { DevenvError, formatAge, formatDuration, plural } from '../base/index.ts';
import {
  bisect as findFirstBad,
  forgetBisect,
  mergedSide,
  type Asked,
  type BisectOutcome,
  type Candidate,
  type StepResult,
} from '../bisect/index.ts';
import { loadProject } from '../config/index.ts';
import { diffCommits, diffOnTerminal, displayPath, openRepo, showDiff, type Repo } from '../git/index.ts';
import { openStore } from '../store/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { withPorts } from './start.ts';

export interface BisectCommandInput {
  readonly good?: string | undefined;
  readonly bad?: string | undefined;
  readonly suite?: string | undefined;
  readonly run?: string | undefined;
  readonly commits: boolean;
  readonly fresh: boolean;
  readonly reset: boolean;
}

/** `devenv bisect`: which checkpoint (or commit) broke it, found in a scratch work tree. */
export async function bisect(ctx: CommandContext, input: BisectCommandInput): Promise<CommandResult> {
  const asked = readAsked(input);
  const repo = await openRepo({ cwd: ctx.cwd, env: ctx.env });
  const project = await withPorts(ctx, await loadProject({ cwd: ctx.cwd, env: ctx.env }));
  const store = openStore(ctx.env, ctx.clock);
  const deps = { env: ctx.env, clock: ctx.clock, store };
  try {
    if (input.reset) return forgotten(await forgetBisect(deps, project, repo));
    const outcome = await findFirstBad(deps, project, repo, { asked, signal: ctx.signal, on: events(ctx) });
    return await render(ctx, repo, outcome);
  } finally {
    store.close();
  }
}

function readAsked({ good, bad, suite, run, commits, fresh, reset }: BisectCommandInput): Asked {
  if (suite !== undefined && run !== undefined)
    throw new DevenvError('usage', '--suite and --run are two ways to judge', 'give one of them');
  const asked = {
    good: good ?? null,
    bad: bad ?? null,
    suite: suite ?? null,
    run: run ?? null,
    commits,
    fresh,
  };
  if (reset && (commits || fresh || [good, bad, suite, run].some((one) => one !== undefined)))
    throw new DevenvError('usage', '--reset stands alone', 'devenv bisect --reset');
  for (const [name, value] of Object.entries(asked))
    if (value === '') throw new DevenvError('usage', `--${name} is empty`, 'see devenv bisect --help');
  return asked;
}

function forgotten(state: Awaited<ReturnType<typeof forgetBisect>>): CommandResult {
  const text =
    state === undefined
      ? 'there is no bisect to forget'
      : state === 'unreadable'
        ? 'forgot a bisect that could not be read any more'
        : `forgot the bisect from ${state.candidates[0]?.name} to ${state.candidates.at(-1)?.name} (${plural(state.results.length, 'result')})`;
  return { json: { forgotten: state !== undefined }, text };
}

function events(ctx: CommandContext): Parameters<typeof findFirstBad>[3]['on'] {
  const colors = { good: ctx.colors.green, bad: ctx.colors.red, skip: ctx.colors.yellow };
  return {
    remark: ctx.note,
    output: (chunk) => ctx.verbose && ctx.note(chunk.trimEnd()),
    step: ({ candidate, left, runs, end }) => {
      const what = end === undefined ? 'judging it' : `making sure that it is ${end}`;
      ctx.note(`${candidate.name}: ${what} (${left} left, about ${plural(runs, 'run')})`);
    },
    result: (candidate, result) => {
      const why = result.why === '' ? '' : ` (${result.why})`;
      const how = result.by === 'record' ? 'known from an earlier run' : formatDuration(result.durationMs);
      ctx.note(`${candidate.name}: ${colors[result.verdict](result.verdict)}, ${how}${why}`);
    },
  };
}

async function render(ctx: CommandContext, repo: Repo, outcome: BisectOutcome): Promise<CommandResult> {
  const bad = outcome.suspects.at(-1) ?? outcome.before;
  const range = { from: outcome.before.commit, to: bad.commit };
  const exit = outcome.kind === 'found' ? {} : { exit: 1 };
  if (ctx.json) return { json: await toJson(repo, outcome, range), ...exit };
  const color = ctx.colors.bold('') !== '';
  const [stat, hints] = [
    await showDiff(repo, { ...range, shows: 'stat', color }),
    await hintsOf(repo, outcome),
  ];
  const words = [...describe(ctx, outcome), '', stat.trimEnd(), ...hints].join('\n');
  if (outcome.kind !== 'found') return { text: words, ...exit };
  if (!ctx.interactive)
    return { text: `${words}\n\n${await showDiff(repo, { ...range, shows: 'patch', color })}` };
  // The words come last: they are still there when the pager has gone.
  await diffOnTerminal(repo, ctx.env, { ...range, shows: 'patch', color, tool: false });
  return { text: words };
}

function describe(ctx: CommandContext, { kind, suspects, before, state }: BisectOutcome): string[] {
  const line = (one: Candidate): string =>
    [`${ctx.colors.bold(one.name)}, ${formatAge(ctx.clock.now() - Date.parse(one.at))}`, one.message]
      .filter(Boolean)
      .join(': ');
  const resultOf = (one: Candidate): StepResult | undefined =>
    state.results.find((result) => result.tree === one.tree);
  const found = suspects.at(-1);
  const lines =
    kind === 'found' && found
      ? [`the first bad one is ${line(found)}`, `  ${resultOf(found)?.why ?? ''}`]
      : [
          `it is one of these ${suspects.length}; those between could not be judged:`,
          ...shorten(suspects.map((one) => `  ${line(one)}${whySkipped(resultOf(one))}`)),
        ];
  const flaky = state.candidates.filter((one) => resultOf(one)?.flaky);
  const known = state.results.filter((one) => one.by === 'record').length;
  const ran = state.results.length - known;
  return [
    ...lines,
    `good before it: ${line(before)}`,
    `found with ${plural(ran, 'run')} among ${plural(state.candidates.length, 'state')}${known > 0 ? `, ${known} known from earlier runs (--fresh runs those too)` : ''}`,
    ...flaky.map((one) => `flaky there, and so taken for good: ${one.name}`),
  ];
}

const mostListed = 20;

function shorten(rows: readonly string[]): readonly string[] {
  if (rows.length <= mostListed) return rows;
  const half = mostListed / 2;
  return [...rows.slice(0, half), `  ... and ${rows.length - mostListed} more ...`, ...rows.slice(-half)];
}

function whySkipped(result: StepResult | undefined): string {
  return result?.verdict === 'skip' ? ` (${result.why})` : '';
}

/** What to do with a first bad one that is a merge: look at what came in with it. */
async function hintsOf(repo: Repo, { kind, suspects }: BisectOutcome): Promise<string[]> {
  const found = suspects.at(-1);
  if (kind !== 'found' || !found || found.tag !== null || found.name === 'now') return [];
  const side = await mergedSide(repo, found.commit);
  if (!side) return [];
  const range = `--good ${side.from.slice(0, 12)} --bad ${side.to.slice(0, 12)}`;
  return [`it is a merge; look into what came in with it: devenv bisect --commits ${range}`];
}

/** The documented `--json` of bisect. */
async function toJson(
  repo: Repo,
  { kind, suspects, before, state }: BisectOutcome,
  range: { readonly from: string; readonly to: string },
): Promise<unknown> {
  const [files = []] = await diffCommits(repo, [range]);
  const change = (oldMode: string, newMode: string): string =>
    oldMode === '000000' ? 'added' : newMode === '000000' ? 'deleted' : 'changed';
  const names = new Map(state.candidates.map((one) => [one.tree, one]));
  return {
    verdict: kind,
    firstBad: kind === 'found' ? suspects.at(-1) : null,
    suspects,
    before,
    good: state.candidates[0],
    bad: state.candidates.at(-1),
    suites: state.asked.run === null ? state.suites : [],
    run: state.asked.run,
    results: state.results.map(({ tree, ...rest }) => ({
      name: names.get(tree)?.name,
      commit: names.get(tree)?.commit,
      tree,
      ...rest,
    })),
    files: files.map((one) => ({ path: displayPath(one.path), change: change(one.oldMode, one.newMode) })),
    patch: await showDiff(repo, { ...range, shows: 'patch', color: false }),
  };
}
