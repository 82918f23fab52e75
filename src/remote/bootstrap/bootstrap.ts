import { createHash } from 'node:crypto';
import { createReadStream, rmSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { DevenvError, type Clock } from '../../base/index.ts';
import { lostError } from '../failure.ts';
import type { Target, Transport } from '../types.ts';
import { adviceFor } from './advice.ts';
import { installScript, readInstall, type InstallOutcome } from './install-script.ts';
import { makePayload } from './payload.ts';
import { full, planInstall, type Build, type NodeSource } from './plan.ts';
import { parseProbe, type Probe } from './probe.ts';
import { probeScript } from './probe-script.ts';
import { packRuntime } from './runtime.ts';

/** What a bootstrap works with. */
export interface BootstrapDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told what is done, a line at a time. */
  readonly note: (line: string) => void;
  /** The build that must run there, and this machine. */
  readonly build: Build;
  /** Even when it is there already. */
  readonly force?: boolean;
}

/** A build that runs on a box. */
export interface Installed {
  readonly build: string;
  /** Absolute, on the box. */
  readonly node: string;
  /** It had been there before. */
  readonly reused: boolean;
  /** Bytes that were sent. */
  readonly sent: number;
  /** What devenv will need there and is missing, with the line that installs it. */
  readonly advice: readonly string[];
  readonly probe: Probe;
}

const probeTimeoutMs = 60_000;

/** Asks a box what it has, in one exec. */
export async function probeBox(
  transport: Transport,
  target: Target,
  deps: Pick<BootstrapDeps, 'env' | 'signal' | 'build'>,
): Promise<Probe> {
  const result = await transport.run({
    ...probeScript(deps.build.id, deps.env['TERM'] ?? 'xterm-256color'),
    timeoutMs: probeTimeoutMs,
    signal: deps.signal,
  });
  if (result.code === 0) return parseProbe(result.stdout.toString('utf8'));
  throw new DevenvError(
    'unsupported',
    `${target.name}: could not find out what the box has (status ${result.code}): ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
    'devenv needs a POSIX shell with sed, cut and df there',
  );
}

/**
 * Brings devenv to a box: looks (one exec), and installs what is missing (one exec). Nothing is sent when the build
 * is there. Throws why it cannot be: `noexec`, `disk-full`, `unsupported`, `missing-tool`, `environment`, and what
 * the connection throws; a failed install leaves nothing behind.
 */
export async function bootstrap(
  transport: Transport,
  target: Target,
  deps: BootstrapDeps,
): Promise<Installed> {
  const probe = await probeBox(transport, target, deps);
  const plan = planInstall(target.name, probe, deps.build, deps.force);
  const told = { build: deps.build.id, advice: adviceFor(target.name, probe), probe };
  if (plan.kind === 'ready') return { ...told, node: plan.node, reused: true, sent: 0 };
  const runtime = await packRuntime(plan.node, deps);
  const parts = { runtime, payload: makePayload(deps.build.id, deps.env) };
  const { outcome, sent } = await send(transport, target, { probe, source: plan.node, ...parts }, deps);
  if (outcome.kind === 'failed') throw failure({ target, probe, source: plan.node, runtime }, outcome);
  return { ...told, node: outcome.node, reused: outcome.kind === 'there', sent };
}

/** The install itself: one exec, with all files on its standard input. */
async function send(
  transport: Transport,
  target: Target,
  what: {
    readonly probe: Probe;
    readonly source: NodeSource;
    readonly runtime: string | undefined;
    readonly payload: string;
  },
  deps: BootstrapDeps,
): Promise<{ readonly outcome: InstallOutcome; readonly sent: number }> {
  const { probe, source, runtime, payload } = what;
  const files = runtime === undefined ? [payload] : [runtime, payload];
  const payloadBytes = statSync(payload).size;
  const runtimeBytes = runtime === undefined ? 0 : statSync(runtime).size;
  const sent = payloadBytes + runtimeBytes;
  deps.note(whatIsDone(target, source, deps.build.id, sent));
  const { script, vars } = installScript({
    build: deps.build.id,
    sha256: await hashOf(files),
    payloadBytes,
    runtimeBytes,
    runtime: source.kind === 'there' ? '' : source.name,
    node: source.kind === 'there' ? source.path : '',
    path: probe.path ?? '',
    force: deps.force ?? false,
  });
  const stdin = readInOrder(files, deps, sent);
  try {
    const result = await transport.run({ script, vars: { ...vars }, stdin, signal: deps.signal });
    return { outcome: readInstall(result.stdout.toString('utf8')), sent };
  } finally {
    stdin.destroy();
  }
}

function whatIsDone(target: Target, node: NodeSource, build: string, bytes: number): string {
  const with_ = node.kind === 'there' ? '' : ` and Node ${node.version}`;
  return `${target.name}: installing devenv ${build}${with_} there (${megabytes(bytes)}), once`;
}

const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** How long an upload may take before it is told how far it is, and how often then. */
const toldEveryMs = 5000;

/** The files as one stream; a slow upload is told how far it is. */
function readInOrder(files: readonly string[], deps: BootstrapDeps, total: number): Readable {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    let sent = 0;
    let told = deps.clock.monotonic();
    for (const file of files)
      for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
        yield chunk;
        sent += chunk.length;
        const now = deps.clock.monotonic();
        if (now - told < toldEveryMs) continue;
        told = now;
        deps.note(`sent ${megabytes(sent)} of ${megabytes(total)} (${Math.floor((100 * sent) / total)} %)`);
      }
  };
  return Readable.from(pieces(), { objectMode: false, highWaterMark: 256 * 1024 });
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files)
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

interface Tried {
  readonly target: Target;
  readonly probe: Probe;
  readonly source: NodeSource;
  readonly runtime: string | undefined;
}

/** What a failed install means for the user. Nothing of it is left on the box. */
function failure(tried: Tried, { what, why }: Extract<InstallOutcome, { kind: 'failed' }>): DevenvError {
  const { name } = tried.target;
  const { probe, source } = tried;
  if (/No space left|quota/i.test(why)) return full(name, probe.where, why);
  // What was packed here may be damaged: the next try packs it again.
  if (tried.runtime !== undefined && /^(write|node)$/.test(what)) rmSync(tried.runtime, { force: true });
  switch (what) {
    case 'corrupt':
      return lostError(name, ` while devenv was sent there (${why}); nothing was installed`);
    case 'node':
      return new DevenvError(
        'unsupported',
        source.kind === 'there'
          ? `${name}: its Node does not run: ${source.path}: ${why}`
          : `${name}: Node ${source.version} does not run there (${probe.libc} ${probe.glibcVersion ?? ''}): ${why}`,
        'it needs glibc 2.28 or newer; or install Node 22.22 or newer on the box by other means',
      );
    case 'build':
      return new DevenvError(
        'environment',
        `${name}: devenv does not run there: ${why}`,
        'nothing was changed',
      );
    case 'lock':
      return new DevenvError(
        'environment',
        `${name}: another install has been at work for a minute (process ${why})`,
        `try again; when it hangs: rm -r ${probe.data}/lock there`,
      );
    default:
      return new DevenvError('environment', `${name}: the install failed: ${why}`, 'nothing was changed');
  }
}
