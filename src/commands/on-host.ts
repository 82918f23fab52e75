import { DevenvError, randomId, terminalSize } from '../base/index.ts';
import { loadProject } from '../config/index.ts';
import {
  aftermathScript,
  boxScript,
  mayBeNeed,
  needStatus,
  noProject,
  openTransport,
  readAftermath,
  readNeed,
  readUserHosts,
  resolveTarget,
  type BoxCommand,
  type Target,
  type Transport,
} from '../remote/index.ts';
import { bringDevenv, buildId } from './bring-devenv.ts';
import type { CommandContext, CommandResult } from './context.ts';

export interface OnHostInput {
  readonly host: string;
  readonly acceptNewHostKey: boolean;
  readonly command: string;
  readonly kind: 'reads' | 'streams' | 'anywhere' | 'changes';
  /** The command line as it shall run there. */
  readonly argv: readonly string[];
}

/** Runs the same command of the same build on a box, and shows what it says there as if it ran here. */
export async function onHost(ctx: CommandContext, input: OnHostInput): Promise<CommandResult> {
  const target = await findTarget(ctx, input.host);
  const transport = await connect(ctx, target, input.acceptNewHostKey);
  try {
    return { exit: await runThere(ctx, transport, target, input) };
  } finally {
    await transport.close();
  }
}

/** The box that a name means in this project. */
export async function findTarget(ctx: CommandContext, host: string): Promise<Target> {
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const hosts = { ...readUserHosts(ctx.env), ...project.config.hosts };
  return resolveTarget(host, hosts, project.config.name);
}

/** Opens the way to a box for a command of this program. */
export function connect(ctx: CommandContext, target: Target, acceptNewHostKey: boolean): Promise<Transport> {
  return openTransport(target, {
    env: ctx.env,
    interactive: ctx.interactive,
    acceptNewHostKey,
    note: ctx.note,
  });
}

/** Runs it, and says its exit status; devenv is brought to the box first where it is missing. */
async function runThere(
  ctx: CommandContext,
  transport: Transport,
  target: Target,
  input: OnHostInput,
): Promise<number> {
  const changes = input.kind === 'changes';
  const record = changes ? randomId(8) : undefined;
  const command: BoxCommand = {
    target,
    build: buildId(),
    args: input.argv,
    env: looks(ctx),
    anywhere: input.kind === 'anywhere',
    endsWithLink: input.kind !== 'changes',
    ...(record === undefined ? {} : { record }),
  };
  try {
    let ended = await once(ctx, transport, command, input.kind === 'reads');
    if (ended.need === 'install') {
      await bringDevenv(ctx, transport, target);
      ended = await once(ctx, transport, command, input.kind === 'reads');
    }
    if (ended.need === 'project') throw noProject(target);
    if (ended.need === 'install')
      throw new DevenvError('version', `${target.name} has lost devenv ${command.build} again`, 'try again');
    return ended.code;
  } catch (error) {
    if (!(error instanceof DevenvError) || error.code !== 'lost' || record === undefined) throw error;
    return afterLoss(ctx, transport, target, record);
  }
}

async function once(
  ctx: CommandContext,
  transport: Transport,
  command: BoxCommand,
  repeatable: boolean,
): Promise<{ readonly code: number; readonly need: ReturnType<typeof readNeed> }> {
  const decoders = { out: new TextDecoder(), err: new TextDecoder() };
  let held: string | undefined = '';
  const onStdout = (chunk: Buffer): void => {
    const text = decoders.out.decode(chunk, { stream: true });
    if (held === undefined) return ctx.write(text);
    held += text;
    if (mayBeNeed(held)) return;
    ctx.write(held);
    held = undefined;
  };
  const result = await transport.run({
    ...boxScript(command),
    onStdout,
    onStderr: (chunk) => ctx.writeError(decoders.err.decode(chunk, { stream: true })),
    signal: ctx.signal,
    repeatable,
  });
  const need = result.code === needStatus && held !== undefined ? readNeed(held) : undefined;
  if (held !== undefined && need === undefined) ctx.write(held);
  return { code: result.code, need };
}

/** How output may look here: the box has no terminal to ask. */
function looks(ctx: CommandContext): Readonly<Record<string, string>> {
  const size = terminalSize();
  return {
    ...(ctx.env['NO_COLOR'] ? { NO_COLOR: '1' } : {}),
    ...(ctx.colors.red('x') === 'x' ? {} : { FORCE_COLOR: '1' }),
    ...(size ? { COLUMNS: String(size.columns) } : {}),
  };
}

const askTimes = 5;

/** The link broke: the box is asked what became of the command, and never guessed at. */
async function afterLoss(
  ctx: CommandContext,
  transport: Transport,
  target: Target,
  record: string,
): Promise<number> {
  ctx.note(`${target.name}: the connection was lost while the command ran; asking what became of it`);
  for (let tries = 1; ; tries++) {
    try {
      const answer = await transport.run({
        ...aftermathScript(record),
        timeoutMs: 30_000,
        signal: ctx.signal,
      });
      const after = readAftermath(answer.stdout.toString());
      if (after.kind === 'ended') return toldLate(ctx, target, after.code);
      if (after.kind === 'gone')
        throw new DevenvError(
          'lost',
          `${target.name}: the command did not come to its end there`,
          `devenv status --host ${target.name} shows how things stand; running it again is safe`,
        );
      await ctx.clock.sleep(1000, ctx.signal);
    } catch (error) {
      const again = error instanceof DevenvError && /^(unreachable|lost|timeout)$/.test(error.code);
      if (!again || tries >= askTimes || ctx.signal.aborted) throw error;
      await ctx.clock.sleep(1000 * 2 ** tries, ctx.signal);
    }
  }
}

function toldLate(ctx: CommandContext, target: Target, code: number): number {
  ctx.note(
    `${target.name}: the command came to its end there with status ${code}; what it said after the connection broke is lost`,
  );
  return code;
}
