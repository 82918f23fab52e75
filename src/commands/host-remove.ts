import { DevenvError } from '../base/index.ts';
import { loadProject } from '../config/index.ts';
import { readUserHosts, removeFromBox, writeUserHosts, type Removal } from '../remote/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { forgetSeen } from './last-seen.ts';
import { connect, findTarget } from './on-host-run.ts';

export interface HostRemoveInput {
  readonly host: string | undefined;
  /** Only forget the box; it is not called. */
  readonly keepFiles: boolean;
  /** End what is at work there. */
  readonly yes: boolean;
}

/** `devenv host remove NAME`: takes devenv off a box, ends the connection to it, and forgets it. */
export async function hostRemove(ctx: CommandContext, input: HostRemoveInput): Promise<CommandResult> {
  const { host } = input;
  if (host === undefined)
    throw new DevenvError('usage', 'which host?', 'devenv host list names those that are known');
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const hosts = readUserHosts(ctx.env);
  const own = Object.hasOwn(hosts, host);
  const inProject = Object.hasOwn(project.config.hosts, host);
  if (input.keepFiles && !own) throw notOwn(host, inProject);
  const removal = await takeOff(ctx, input, { host, own });
  if (own) {
    const { [host]: _, ...others } = hosts;
    writeUserHosts(ctx.env, others);
  }
  if (own || removal) forgetSeen(ctx.env, host);
  return {
    json: { host, removed: removal !== undefined, kept: removal?.kept?.path ?? null, forgotten: own },
    text: [
      removal === undefined ? `${host}: nothing was touched there` : `${host}: devenv is gone from there`,
      ...(removal?.kept ? [whatStays(removal.kept)] : []),
      ...(own ? [`${host} is forgotten here`] : []),
      ...(inProject ? [`${host} also stands in ${project.configFile ?? 'devenv.yaml'}`] : []),
    ].join('\n'),
  };
}

async function takeOff(
  ctx: CommandContext,
  { keepFiles, yes }: HostRemoveInput,
  { host, own }: { readonly host: string; readonly own: boolean },
): Promise<Removal | undefined> {
  const target = await findTarget(ctx, host);
  const transport = await connect(ctx, target);
  try {
    if (keepFiles) return undefined;
    const removal = await removeFromBox(transport, target, { yes, signal: ctx.signal });
    await transport.close({ forget: true });
    return removal;
  } catch (error) {
    if (!own || !(error instanceof DevenvError) || !/^(unreachable|timeout|auth|hostkey-)/.test(error.code))
      throw error;
    const hint = [error.hint, `--keep-files forgets ${host} without calling it`].filter(Boolean).join('; ');
    throw new DevenvError(error.code, error.message, hint, error);
  } finally {
    await transport.close();
  }
}

const whatStays = ({ path, why }: NonNullable<Removal['kept']>): string =>
  why === 'open'
    ? `${path} stays there: an opened checkpoint, perhaps with edits; devenv's history stays with it`
    : `${path} stays there: another devenv of yours uses it`;

function notOwn(host: string, inProject: boolean): DevenvError {
  if (inProject)
    return new DevenvError(
      'refused',
      `${host} stands in devenv.yaml`,
      'take it out there; nothing was touched',
    );
  return new DevenvError(
    'unknown-host',
    `no host ${JSON.stringify(host)} is noted`,
    'devenv host list names them',
  );
}
