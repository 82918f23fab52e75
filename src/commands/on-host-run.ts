import { DevenvError, nearest, randomId } from '../base/index.ts';
import { loadHosts } from '../config/index.ts';
import {
  addressTo,
  askAftermath,
  boxScript,
  byLine,
  mayBeNeed,
  noProject,
  openTransport,
  readNeed,
  readUserHosts,
  resolveTarget,
  type BoxCommand,
  type Connected,
  type Need,
  type Target,
  type Transport,
} from '../remote/index.ts';
import { bringDevenv, buildId } from './bring-devenv.ts';
import type { CommandContext } from './context.ts';

/** A command line for a box, and what it does there. */
export interface ThereInput {
  readonly kind: 'reads' | 'streams' | 'anywhere' | 'changes';
  /** As it shall run there. */
  readonly argv: readonly string[];
}

/** Opens the way to the box that a name means in this project. Nothing is sent yet. */
export async function connectTo(ctx: CommandContext, host: string): Promise<Connected> {
  const target = await findTarget(ctx, host);
  return { target, transport: await connect(ctx, target) };
}

/** The box that a name means in this project. */
export async function findTarget(ctx: CommandContext, host: string): Promise<Target> {
  const { hosts, project } = await knownHosts(ctx);
  return resolveTarget(host, hosts, project);
}

/** Does something with a box; where a name leads nowhere, says which ones are known. */
export async function amongKnown<T>(ctx: CommandContext, host: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnheardOf(error)) throw error;
    const { hosts } = await knownHosts(ctx);
    const names = Object.keys(hosts);
    if (Object.hasOwn(hosts, host) || names.length === 0) throw error;
    const near = nearest(host, names);
    const hint = `${near === undefined ? '' : `did you mean ${near}? `}known: ${names.join(', ')}; devenv host add notes another`;
    throw new DevenvError(error.code, error.message, hint, error.cause);
  }
}

const isUnheardOf = (error: unknown): error is DevenvError =>
  error instanceof DevenvError && error.code === 'unreachable' && error.message.includes(': no such host: ');

/** Opens the way to a box for a command of this program. Nothing is sent yet. */
export function connect(ctx: CommandContext, target: Target): Promise<Transport> {
  return openTransport(target, {
    env: ctx.env,
    interactive: ctx.interactive,
    acceptNewHostKey: ctx.acceptNewHostKey ?? false,
    note: ctx.note,
    signal: ctx.signal,
  });
}

/** The project's boxes over the user's own, and the project's name. */
export async function knownHosts(
  ctx: CommandContext,
): Promise<{ readonly hosts: ReturnType<typeof readUserHosts>; readonly project: string }> {
  const { name, hosts } = await loadHosts({ cwd: ctx.cwd, env: ctx.env });
  return { hosts: { ...readUserHosts(ctx.env), ...hosts }, project: name };
}

/**
 * Runs a command there and says its exit status; devenv is brought to the box first where it is missing. A link that
 * breaks under a command that changes something: the box is asked what became of it.
 */
export async function runThere(ctx: CommandContext, to: Connected, input: ThereInput): Promise<number> {
  const repeatable = input.kind === 'reads';
  const command: BoxCommand = {
    ...commandFor(ctx, to.target, input.argv),
    anywhere: input.kind === 'anywhere',
    endsWithLink: input.kind !== 'changes',
  };
  for (let tries = 1; ; tries++) {
    const late: Late = {};
    const record = input.kind === 'changes' ? randomId(8) : undefined;
    const recorded = record === undefined ? command : { ...command, record };
    try {
      return await withNeeds(ctx, to, recorded, { repeatable, late });
    } catch (error) {
      if (!(error instanceof DevenvError) || error.code !== 'lost' || record === undefined) throw error;
      const became = await askAftermath(to, record, ctx);
      if (became.kind === 'gone') throw notEnded(to, error);
      if (became.kind === 'ended') {
        ctx.note(`${to.target.name}: it came to its end there with status ${became.code}`);
        late.show?.(became.output);
        return became.code;
      }
      if (tries === 2) throw error;
      ctx.note(`${to.target.name}: it had not begun; sending it again`);
    }
  }
}

function notEnded({ target: { name } }: Connected, cause: DevenvError): DevenvError {
  return new DevenvError(
    'lost',
    `${name}: the command did not come to its end there`,
    `before you run it again: devenv status --host ${name} and devenv undo --list --host ${name} show what it did`,
    cause,
  );
}

/** Takes all that a command has said, when that is known late, and shows what of it was not shown yet. */
interface Late {
  show?: (output: Buffer) => void;
}

/** How a command is run there. */
export interface HowToRun {
  /** Running it twice does no harm. */
  readonly repeatable: boolean;
  /** Is given a way to show the rest after a lost link. */
  readonly late?: Late;
}

/** Runs a command there; what the box lacks for it is brought first. Returns its exit status. */
export async function withNeeds(
  ctx: CommandContext,
  to: Connected,
  command: BoxCommand,
  how: HowToRun,
): Promise<number> {
  const first = await once(ctx, to, command, how);
  if (first.need === undefined) return first.code;
  await satisfy(ctx, to, first.need);
  const second = await once(ctx, to, command, how);
  if (second.need !== undefined) throw stillMissing(to, second.need);
  return second.code;
}

/** A command for the box as every command of this program gives it. */
export function commandFor(ctx: CommandContext, target: Target, args: readonly string[]): BoxCommand {
  return { target, build: buildId(), args, env: looks(ctx) };
}

/** Brings devenv to the box where that is what it lacks; the project only the user can send. */
export async function satisfy(ctx: CommandContext, to: Connected, need: Need): Promise<void> {
  if (need === 'project') throw noProject(to.target);
  await bringDevenv(ctx, to.transport, to.target);
}

function stillMissing({ target }: Connected, need: Need): DevenvError {
  return need === 'project'
    ? noProject(target)
    : new DevenvError('version', `${target.name} has lost devenv ${buildId()} again`, 'try again');
}

async function once(
  ctx: CommandContext,
  { target, transport }: Connected,
  command: BoxCommand,
  { repeatable, late = {} }: HowToRun,
): Promise<{ readonly code: number; readonly need: Need | undefined }> {
  // Logs and diffs are the user's own text; in the rest a hint means the box.
  const change = ctx.json ? same : (text: string): string => addressTo(target.name, text);
  const isOwnText = command.args[0] === 'logs' || command.args[0] === 'diff';
  const out = passOn(ctx.write, isOwnText ? same : change);
  const err = byLine(change, ctx.writeError);
  let heardBytes = 0;
  late.show = (output) => {
    out.push(output.subarray(heardBytes));
    out.end(0);
  };
  const remind = (): void => {
    const told = ctx.clock.sleep(patienceMs, ended.signal);
    void told.then(
      () => ended.signal.aborted || ctx.note(`waiting for ${target.name}; Ctrl-C again leaves it`),
    );
  };
  const ended = new AbortController();
  ctx.signal.addEventListener('abort', remind, { once: true });
  const result = await transport
    .run({
      ...boxScript(command),
      onStdout: (chunk) => {
        heardBytes += chunk.length;
        out.push(chunk);
      },
      onStderr: err.push,
      signal: ctx.signal,
      repeatable,
    })
    .finally(() => {
      ended.abort();
      ctx.signal.removeEventListener('abort', remind);
      err.end();
    });
  return { code: result.code, need: readNeed(result.code, out.end(result.code)) };
}

/** After Ctrl-C the command there gets this long before the user is told how not to wait. */
const patienceMs = 3000;

const same = (text: string): string => text;

/** Passes standard output on, but holds back what may turn out to be the script's word that something is missing. */
function passOn(
  write: (text: string) => void,
  change: (text: string) => string,
): { readonly push: (chunk: Buffer) => void; readonly end: (code: number) => string } {
  const lines = byLine(change, write);
  let held: Buffer | undefined = Buffer.alloc(0);
  return {
    push: (chunk) => {
      if (held === undefined) return lines.push(chunk);
      const all = Buffer.concat([held, chunk]);
      held = mayBeNeed(all.toString('utf8')) ? all : undefined;
      if (held === undefined) lines.push(all);
    },
    end: (code) => {
      const text = held?.toString('utf8') ?? '';
      if (held !== undefined && readNeed(code, text) === undefined) lines.push(held);
      lines.end();
      return text;
    },
  };
}

/** How output may look here: the box has no terminal to ask. */
function looks(ctx: CommandContext): Readonly<Record<string, string>> {
  return { DEVENV_REMOTE: ctx.colors.red('x') === 'x' ? 'plain' : 'color' };
}
