import { DevenvError, formatTable, parseDuration, shellQuote } from '../base/index.ts';
import type { HostConfig } from '../config/index.ts';
import {
  checkDestination,
  hostsFile,
  probeBox,
  readUserHosts,
  resolveTarget,
  writeUserHosts,
  type Hosts,
  type Probe,
} from '../remote/index.ts';
import { asFarAsReadable } from './as-far-as-readable.ts';
import { bringDevenv, buildHere } from './bring-devenv.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { withBox } from './with-box.ts';

export interface HostAddInput {
  readonly name: string | undefined;
  readonly destination: string | undefined;
  readonly path: string | undefined;
  readonly transport: string | undefined;
  readonly keepalive: string | undefined;
  readonly forwardAgent: boolean;
  /** Connect once before it is noted. */
  readonly check: boolean;
  /** Also when there is a box of that name. */
  readonly force: boolean;
}

/** `devenv host add NAME DEST`: notes a box of the user's under a name, once it has answered. */
export async function hostAdd(ctx: CommandContext, input: HostAddInput): Promise<CommandResult> {
  const { name, destination } = input;
  if (name === undefined || destination === undefined)
    throw new DevenvError('usage', 'which box?', 'devenv host add NAME user@host');
  checkName(name);
  checkDestination(destination);
  const hosts = readUserHosts(ctx.env);
  const before = Object.hasOwn(hosts, name) ? hosts[name] : undefined;
  if (before && !input.force)
    throw new DevenvError(
      'refused',
      `there is a host ${name} already: ${before.ssh}`,
      `devenv host remove ${name} first, or --force`,
    );
  const host = readHost(input, destination);
  const probe = input.check ? await askOnce(ctx, name, host) : undefined;
  writeUserHosts(ctx.env, { ...hosts, [name]: host });
  const found = probe ? `: ${describeBox(probe)}` : '';
  if (before && before.path !== undefined && host.path !== before.path)
    ctx.note(
      `${name} had the path ${before.path} and has ${host.path ?? 'none'} now; --path ${shellQuote(before.path)} keeps it`,
    );
  return {
    json: { name, ...shownHost(host), file: hostsFile(ctx.env), checked: probe !== undefined },
    text: `${name} is noted in ${hostsFile(ctx.env)}${found}`,
    next: `--host ${name} runs any command there; devenv is brought there at first use`,
  };
}

function checkName(name: string): void {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.@-]*$/u.test(name) && name !== 'all') return;
  throw new DevenvError(
    'usage',
    `no name for a host: ${JSON.stringify(name)}`,
    name === 'all' ? '--host all means every box' : 'letters, digits, _ . @ and -, beginning with a letter',
  );
}

function readHost(input: HostAddInput, ssh: string): HostConfig {
  const { transport, keepalive } = input;
  if (transport !== undefined && transport !== 'openssh' && transport !== 'node-ssh')
    throw new DevenvError('usage', `--transport is openssh or node-ssh, not "${transport}"`);
  const keepaliveMs = keepalive === undefined ? undefined : parseDuration(keepalive);
  if (keepalive !== undefined && (keepaliveMs === undefined || keepaliveMs < 1000))
    throw new DevenvError('usage', `--keepalive: "${keepalive}" is no time of 1s or more`, 'e.g. 15s');
  if (input.path?.trim() === '')
    throw new DevenvError('usage', '--path is empty', 'a folder on the box, as ~/project or /srv/project');
  return { ssh, path: input.path, transport, keepaliveMs, forwardAgent: input.forwardAgent };
}

async function askOnce(ctx: CommandContext, name: string, host: HostConfig): Promise<Probe> {
  const target = resolveTarget(name, { [name]: host }, 'project');
  try {
    return await withBox(ctx, target, (transport) =>
      probeBox(transport, target, { env: ctx.env, signal: ctx.signal, build: buildHere() }),
    );
  } catch (error) {
    if (!(error instanceof DevenvError) || error.code === 'interrupted') throw error;
    const hint = [error.hint, `nothing was noted; --no-check notes it all the same`]
      .filter(Boolean)
      .join('; ');
    throw new DevenvError(error.code, error.message, hint, error);
  }
}

const describeBox = ({ release, os, arch, libc }: Probe): string =>
  [release.name || os, arch, ...(libc === 'musl' ? ['musl'] : [])].join(', ');

const shownHost = (host: HostConfig): object => ({
  ssh: host.ssh,
  path: host.path ?? null,
  transport: host.transport ?? 'openssh',
  keepaliveMs: host.keepaliveMs ?? null,
  forwardAgent: host.forwardAgent,
});

/** `devenv host list`: the boxes of the project and the user's own, and where each is written. */
export async function hostList(ctx: CommandContext): Promise<CommandResult> {
  const project = await asFarAsReadable(ctx, ['name', 'hosts']);
  const file = hostsFile(ctx.env);
  const rows = (hosts: Hosts, from: string): readonly (readonly [string, HostConfig, string])[] =>
    Object.entries(hosts).map(([name, host]) => [name, host, from]);
  const inProject = rows(project.config.hosts, project.configFile ?? project.root);
  const own = rows(readUserHosts(ctx.env), file);
  // A project's box goes before one of the user's with the same name.
  const all = [...inProject, ...own.filter(([name]) => !Object.hasOwn(project.config.hosts, name))];
  const table = all.map(([name, host, from]) => [
    ctx.colors.bold(name),
    host.ssh,
    host.path ?? `~/${project.config.name}`,
    host.transport ?? 'openssh',
    ctx.colors.dim(from),
  ]);
  return {
    json: { hosts: all.map(([name, host, from]) => ({ name, ...shownHost(host), file: from })) },
    text: table.length === 0 ? 'no hosts; devenv host add NAME user@host notes one' : formatTable(table),
  };
}

/** `devenv host bootstrap NAME`: brings this build of devenv to a box, as its first use would. */
export async function hostBootstrap(
  ctx: CommandContext,
  input: { readonly host: string | undefined; readonly force: boolean },
): Promise<CommandResult> {
  return withBox(ctx, input.host, async (transport, target) => {
    const { build, node, reused, sent, advice } = await bringDevenv(ctx, transport, target, input.force);
    return {
      json: { host: target.name, build, node, reused, sent, advice },
      text: `${target.name} ${reused ? 'has' : 'has now'} devenv ${build} (${node})`,
    };
  });
}
