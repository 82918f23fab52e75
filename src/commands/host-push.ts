import { formatSize, plural, showName } from '../base/index.ts';
import { pushCode, type Pushed } from '../remote/code/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { patientProgress, withHostCode } from './host-code.ts';

export interface HostPushInput {
  readonly host: string | undefined;
  readonly force: boolean;
}

/** `devenv host push [NAME]`: sends the work tree as it is to a box, and puts it in place there. */
export async function hostPush(ctx: CommandContext, input: HostPushInput): Promise<CommandResult> {
  return withHostCode(ctx, input.host, async ({ repo, project, place, line }) => {
    const host = line.target.name;
    const progress = patientProgress(ctx, `sending to ${host}`);
    let pushed: Pushed | undefined;
    try {
      pushed = await pushCode(
        {
          repo,
          line,
          onProgress: (doing, percent) =>
            progress.update(
              doing === 'writing objects' && percent === 100
                ? 'putting it in place'
                : `${doing} ${percent} %`,
            ),
        },
        { place, force: input.force, maxFileBytes: project.config.checkpoint.maxFileBytes },
      );
    } finally {
      await progress.end(pushed !== undefined);
    }
    for (const note of pushed.notes) ctx.note(`warning: ${note}`);
    for (const note of pushed.received?.warnings ?? []) ctx.note(`warning: ${host}: ${note}`);
    return { json: facts(host, pushed), text: describe(ctx, host, pushed) };
  });
}

/** The documented `--json`. */
function facts(host: string, { sent, received, bytes, late, dir, notSent, notes }: Pushed): unknown {
  const { commit, tree, head, branch } = sent;
  const {
    created = false,
    written = [],
    deleted = [],
    kept = [],
    restarted = [],
    warnings = [],
  } = received ?? {};
  return {
    host,
    dir,
    commit,
    tree,
    head,
    branch,
    upToDate: received === null && !late,
    created,
    bytes,
    written,
    deleted,
    kept,
    undo: received?.undo ?? null,
    restarted,
    notSent,
    warnings: [...notes, ...warnings],
  };
}

const listed = 10;

function describe(ctx: CommandContext, host: string, pushed: Pushed): string {
  const { received, dir, sent, bytes, notSent, late } = pushed;
  const { colors } = ctx;
  const where = `${host}:${dir}`;
  const at = `${sent.branch === null ? 'HEAD detached' : `branch ${showName(sent.branch)}`} at ${sent.head?.slice(0, 10) ?? 'no commit yet'}`;
  const left = notSent.map(
    ({ path, reason }) => `  ${colors.dim('not sent')}  ${showName(path)} (${reason})`,
  );
  const more = left.length > listed ? [`  ... and ${left.length - listed} more`] : [];
  const lines = [...left.slice(0, listed), ...more];
  if (late)
    return [
      `${colors.bold(where)} has it: the connection broke before the box could tell, and it was asked (${at})`,
      ...lines,
      `devenv undo --list --host ${host} shows what was there before`,
    ].join('\n');
  if (!received) return [`${colors.bold(where)} has it already (${at})`, ...lines].join('\n');
  const what = received.created
    ? `a new repository with ${plural(received.written.length, 'file')}`
    : `${plural(received.written.length, 'file')} written, ${plural(received.deleted.length, 'file')} deleted`;
  lines.unshift(`sent to ${colors.bold(where)}: ${what}; ${at} (${formatSize(bytes)})`);
  for (const { path, reason } of received.kept.slice(0, listed))
    lines.push(`  ${colors.dim('kept there')}  ${showName(path)} (${reason})`);
  if (received.restarted.length > 0) lines.push(`restarted ${received.restarted.join(', ')}`);
  if (received.restartError !== null) lines.push(`services were not restarted: ${received.restartError}`);
  if (received.undo !== null && !received.created)
    lines.push(
      `what was there before is kept there in ${received.undo}; bring it back with: ${colors.bold(`devenv undo --host ${host}`)}`,
    );
  return lines.join('\n');
}
