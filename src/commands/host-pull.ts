import { formatSize, plural, showName } from '../base/index.ts';
import { encodeHost } from '../checkpoint/index.ts';
import { pullCode, type PulledNow } from '../remote/code/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { patientProgress, withHostCode } from './host-code.ts';

export interface HostPullInput {
  readonly host: string | undefined;
  readonly prune: boolean;
}

/** `devenv host pull [NAME]`: brings a box's checkpoints and its present work tree here, as refs. */
export async function hostPull(ctx: CommandContext, input: HostPullInput): Promise<CommandResult> {
  return withHostCode(ctx, input.host, async ({ repo, place, line }) => {
    const host = line.target.name;
    const progress = patientProgress(ctx, `fetching from ${host}`);
    let pulled: PulledNow | undefined;
    try {
      const onBytes = (bytes: number): void => progress.update(formatSize(bytes));
      pulled = await pullCode({ repo, line, onBytes }, { place, prune: input.prune });
    } finally {
      await progress.end(pulled !== undefined);
    }
    return {
      json: { host, ...pulled },
      text: describe(ctx, host, pulled),
      next: `devenv checkpoints --from ${host} lists them; devenv diff ${host}/present shows what differs from here`,
    };
  });
}

const listed = 10;

function describe({ colors }: CommandContext, host: string, pulled: PulledNow): string {
  const { checkpoints, heads, present, gone, pruned, dir } = pulled;
  const short = (all: readonly string[]): string[] =>
    all.length > listed ? [...all.slice(-listed), `  ... and ${all.length - listed} older`] : [...all];
  const at = present.branch === null ? 'HEAD detached' : `branch ${showName(present.branch)}`;
  const differs =
    present.files === 0 ? 'nothing uncommitted' : `${plural(present.files, 'file')} uncommitted`;
  return [
    checkpoints.length === 0
      ? `no new checkpoint on ${colors.bold(`${host}:${dir}`)}`
      : `${plural(checkpoints.length, 'new checkpoint')} from ${colors.bold(`${host}:${dir}`)}:`,
    ...short(checkpoints.map((name) => `  ${host}/${name}`)),
    ...short(heads.map((name) => `  devenv/hosts/${encodeHost(host)}/heads/${showName(name)}`)),
    `${host}/present  the work tree there: ${at}, ${differs}${present.changed ? '' : ' (as the last time)'}`,
    ...(pruned.length > 0 ? [`forgot ${pruned.length} that are not there any more`] : []),
    ...(gone.length > 0
      ? [
          `${gone.length} brought before are not there any more; devenv host pull ${host} --prune forgets them`,
        ]
      : []),
  ].join('\n');
}
