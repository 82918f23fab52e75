import { exitCodes, plural, showName, type Colors } from '../base/index.ts';
import { describeLines, describeUnfinished, type RollbackOutcome } from '../rollback/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** The documented `--json` of rollback and undo. */
export function outcomeJson(outcome: RollbackOutcome): unknown {
  const { from, to, undo, back, written, deleted, restarted, kept, staged, head, putAway, warnings } =
    outcome;
  return { from, to, undo, back, written, deleted, restarted, kept, staged, head, putAway, warnings };
}

/** What a rollback or an undo gives back. Ctrl-C while services were restarted takes no file back: it is told, with its status. */
export function outcomeResult(ctx: CommandContext, outcome: RollbackOutcome, dryRun: boolean): CommandResult {
  const interrupted = ctx.signal.aborted && outcome.restartError !== undefined;
  return {
    json: outcomeJson(outcome),
    text: describeOutcome(ctx.colors, outcome, dryRun),
    ...(interrupted ? { exit: exitCodes.interrupted } : {}),
  };
}

const listed = 20;

/** What was done, whose changes went, and the one command that brings them back. */
export function describeOutcome(colors: Colors, outcome: RollbackOutcome, dryRun: boolean): string {
  const { written, deleted, kept } = outcome;
  const lines: string[] = [];
  if (outcome.unfinished) lines.push(describeUnfinished(outcome.unfinished));
  if (outcome.recovered) lines.push(...describeRecovery(outcome.recovered, outcome));
  const only = outcome.recovered?.outcome === 'nothing-done' && outcome.to === outcome.recovered.name;
  if (only && outcome.undo === null) return lines.join('\n');
  if (written.length + deleted.length === 0) lines.push(describeNoFiles(outcome, dryRun));
  else {
    lines.push(
      `${dryRun ? 'would put back' : 'put back'} ${colors.bold(outcome.to)}: ${plural(written.length, 'file')} written, ${plural(deleted.length, 'file')} deleted`,
    );
    const rows = [
      ...written.map((path) => `  ${colors.yellow('write')}   ${showName(path)}`),
      ...deleted.map((path) => `  ${colors.red('delete')}  ${showName(path)}`),
    ];
    lines.push(...(dryRun ? rows : shorten(rows)));
    lines.push(describePutAway(outcome, dryRun));
  }
  if (outcome.head)
    lines.push(`branch and HEAD ${dryRun ? 'would go' : 'went'} to where ${outcome.to} has them`);
  lines.push(
    ...shorten(kept.map(({ path, reason }) => `  ${colors.dim('keep')}    ${showName(path)} (${reason})`)),
  );
  if (outcome.restarted.length > 0) lines.push(`restarted ${outcome.restarted.join(', ')}`);
  if (outcome.restartError) lines.push(`services were not restarted: ${outcome.restartError}`);
  if (outcome.undo)
    lines.push(
      `what was there before is kept in ${outcome.undo}; bring it back with: ${colors.bold(outcome.back ?? '')}`,
    );
  return lines.join('\n');
}

function describeNoFiles(outcome: RollbackOutcome, dryRun: boolean): string {
  if (outcome.staged)
    return `files are as in ${outcome.to}; the staged state ${dryRun ? 'would be' : 'was'} put back`;
  return outcome.head ? `files and staged state are as in ${outcome.to}` : describeNothing(outcome, dryRun);
}

// An undo that finds nothing to change is a step all the same, else the next one would stop here again.
function describeNothing({ kind, to, kept }: RollbackOutcome, dryRun: boolean): string {
  const all = kept.length > 0 ? 'all but what is kept' : 'everything';
  if (kind === 'rollback') return `nothing to do: ${all} is as in ${to}`;
  const step = `the step ${dryRun ? 'would count' : 'counts'} as ${kind === 'undo' ? 'taken back' : 'done again'}`;
  return `nothing ${dryRun ? 'would' : 'had to'} change: ${all} is as in ${to}; ${step}`;
}

/** Whose work goes: that of the present, against what comes back. */
function describePutAway({ putAway }: RollbackOutcome, dryRun: boolean): string {
  const lines = describeLines(putAway);
  return `${dryRun ? 'would go' : 'went'}: your changes in ${plural(putAway.files, 'file')}${lines && ` (${lines})`}`;
}

function describeRecovery(
  recovered: NonNullable<RollbackOutcome['recovered']>,
  { written, deleted }: Pick<RollbackOutcome, 'written' | 'deleted'>,
): string[] {
  const { kind, name, outcome, left } = recovered;
  const said = {
    finished: `finished the ${kind} to ${name} that had been killed`,
    'nothing-done': `gave up the ${kind} to ${name} that had been killed: nothing had been done yet`,
    'head-moved': `gave up the ${kind} to ${name} that had been killed half way: HEAD moved since`,
  };
  return [
    said[outcome],
    ...shorten(
      left.map((path) =>
        written.includes(path) || deleted.includes(path)
          ? `  edited meanwhile, so left by that one, and ${deleted.includes(path) ? 'deleted' : 'put back'} by this one: ${showName(path)}`
          : `  left as it is, since it was edited meanwhile: ${showName(path)}`,
      ),
    ),
  ];
}

function shorten(rows: readonly string[]): string[] {
  return rows.length <= listed
    ? [...rows]
    : [...rows.slice(0, listed), `  ... and ${rows.length - listed} more`];
}
