import { formatAge, plural, type Colors } from '../base/index.ts';
import { findRoot } from '../config/index.ts';
import { openRepo } from '../git/index.ts';
import { listSteps, undoLast, type StepBack, type UndoStep, type UndoSteps } from '../rollback/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { evenIfMistaken } from './even-if-mistaken.ts';
import { halfDone } from './recovery.ts';
import { rollbackDeps, withConsent } from './rollback.ts';
import { outcomeResult } from './rollback-result.ts';

export interface UndoCommandInput {
  readonly yes?: boolean;
  readonly redo?: boolean;
  readonly list?: boolean;
  readonly dryRun?: boolean;
}

/** `devenv undo`: takes the last rollback or reset back, exactly; with `--redo` it comes again, with `--list` all are shown. */
export async function undo(ctx: CommandContext, input: UndoCommandInput): Promise<CommandResult> {
  if (input.list) return list(ctx);
  const project = await evenIfMistaken(ctx, ctx.cwd);
  const { redo = false, dryRun = false } = input;
  let told = false; // a question comes in between, and then it begins once more
  const before = (step: StepBack): void => {
    const remark = told ? undefined : describeOld(step, ctx.clock.now());
    told = true;
    if (remark !== undefined) ctx.note(remark);
  };
  const outcome = await withConsent(ctx, input.yes ?? false, (yes) =>
    undoLast(rollbackDeps(ctx, project), project, { yes, redo, dryRun, before }),
  );
  for (const warning of outcome.warnings) ctx.note(`warning: ${warning}`);
  return outcomeResult(ctx, outcome, dryRun);
}

async function list(ctx: CommandContext): Promise<CommandResult> {
  const repo = await openRepo({ cwd: findRoot(ctx.cwd).root, env: ctx.env });
  const [steps, half] = [await listSteps(repo), await halfDone(repo)];
  if (half !== undefined) ctx.note(`warning: ${half}`);
  return { json: stepsJson(steps), text: describeSteps(ctx.colors, steps, ctx.clock.now()) };
}

/** The documented `--json` of `undo --list`. */
function stepsJson({ steps, undo: next, redo }: UndoSteps): unknown {
  return {
    undo: next,
    redo,
    steps: steps.map(({ movedHead: head, undoes = null, ...step }) => {
      const { n, ref, commit, at, kind, target, reason, files, state } = step;
      return { n, ref, commit, at, kind, undoes, target, reason, files, state, head };
    }),
  };
}

/** Newest first, with what undo and redo would do next. */
export function describeSteps(colors: Colors, { steps, undo: next, redo }: UndoSteps, now: number): string {
  if (steps.length === 0) return 'nothing was rolled back here yet';
  const rows = steps.map((step) => describeStep(colors, step, { undo: next, redo }, now));
  const at =
    next === null ? 'here: before all of them' : `here: after ${next}; devenv undo takes ${next} back`;
  const more = redo === null ? '' : `; devenv undo --redo does again what ${redo} took back`;
  return [...rows, `${at}${more}`, 'devenv rollback undo/N brings back what was there before step N'].join(
    '\n',
  );
}

const resetters: Readonly<Record<string, string>> = {
  checkpointer: 'the checkpointer',
  nightly: 'the nightly run',
};

function nameOf({
  kind,
  target,
  reason,
  undoes,
}: Pick<UndoStep, 'kind' | 'target' | 'reason' | 'undoes'>): string {
  if (kind !== 'rollback') return `${kind} of ${undoes ?? target}`;
  const promoted = /^the ((?:commit of|push from) .+)$/.exec(target)?.[1];
  return promoted ?? `${resetters[reason] ? 'reset' : 'rollback'} to ${target}`;
}

const oldMs = 60 * 60 * 1000;

/** Of a step that is not the last thing that happened: what it was, and what came since. Pure. */
export function describeOld({ entry, commits }: StepBack, now: number): string | undefined {
  const age = now - Date.parse(entry.at);
  if (age < oldMs && commits === 0) return undefined;
  const step = `the ${nameOf(entry)} of ${formatAge(age)}`;
  const what = entry.kind === 'undo' ? `doing again what ${step} took back` : `taking back ${step}`;
  if (commits === 0) return what;
  const since = `HEAD has ${plural(commits, 'commit')} that ${commits === 1 ? 'was' : 'were'} not there then`;
  const fate = entry.movedHead
    ? 'the branch moves too'
    : `${commits === 1 ? 'it stays' : 'they stay'} on the branch, only the files change`;
  return `${what}; ${since}: ${fate}`;
}

function describeStep(
  colors: Colors,
  step: UndoStep,
  next: Pick<UndoSteps, 'undo' | 'redo'>,
  now: number,
): string {
  const { n, kind, at, target, reason, files, state, undoes } = step;
  const mark = n === next.undo ? colors.bold('undo >') : n === next.redo ? colors.bold('redo >') : '      ';
  const what = nameOf({ kind, target, reason, undoes });
  const count = files === null ? '' : `, ${plural(files, 'file')}`;
  const who = resetters[reason] === undefined ? '' : `, by ${resetters[reason]}`;
  const became = state === 'taken-back' ? colors.dim(' (taken back)') : '';
  return `${mark} ${String(n).padStart(3)}  ${formatAge(now - Date.parse(at)).padEnd(8)}  ${what}${count}${who}${became}`;
}
