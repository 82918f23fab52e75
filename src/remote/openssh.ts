import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { DevenvError, errnoOf, run as runProgram } from '../base/index.ts';
import { explainSsh, lostError } from './failure.ts';
import { createUnframer, frame, frameForTerminal } from './frame.ts';
import { controlSocket, sshArgv } from './openssh-argv.ts';
import { endMaster, ensureMaster, type Ride } from './openssh-master.ts';
import type { Forward, ScriptResult, ScriptRun, Target, Transport, TransportDeps } from './types.ts';

/**
 * The system's ssh with a connection of devenv's own, kept for ten minutes: whatever OpenSSH can do on this machine
 * (configuration, jumps, agents, certificates, hardware keys, known hosts) works because OpenSSH does it.
 */
export function createOpenSsh(target: Target, deps: TransportDeps): Transport {
  const socket = controlSocket(target, deps.env);
  let ride: Ride | undefined;
  const connect = async (): Promise<Ride> => (ride ??= await ensureMaster(target, deps, socket));
  /** The kept connection is of no use any more: the next call makes a new one. */
  const drop = (): void => {
    ride = undefined;
    rmSync(socket, { force: true });
  };
  const argv = (to: Ride, more: readonly string[], tty = false): readonly string[] => [
    ...sshArgv(target, deps.env, { batch: true, tty }),
    ...to,
    ...more,
  ];

  const attempt = async (script: ScriptRun): Promise<ScriptResult> => {
    const to = await connect();
    const { command, nonce } = frame(script.script, script.vars);
    const ended = await exec(argv(to, ['--', target.ssh, command]), script, nonce, deps);
    if (ended.before.includes('Control socket connect')) drop();
    if (ended.result) return ended.result;
    if (ended.stopped === 'interrupted') throw new DevenvError('interrupted', 'interrupted');
    drop();
    if (ended.stopped === 'timeout' && !ended.began)
      throw new DevenvError('timeout', `${target.name}: no answer in ${(script.timeoutMs ?? 0) / 1000} s`);
    if (ended.began) throw lostError(target.name, ended.stopped === 'timeout' ? ' (no answer in time)' : '');
    throw explainSsh(target.name, ended.before);
  };

  return {
    kind: 'openssh',
    run: async (script) => {
      const kept = ride !== undefined;
      try {
        return await attempt(script);
      } catch (error) {
        if (!mayRepeat(error, script, kept)) throw error;
        return attempt(script);
      }
    },
    attach: async ({ script, vars }) => {
      const to = await connect();
      const command = frameForTerminal(script, vars);
      const code = await onTerminal(argv(to, ['--', target.ssh, command], true), deps);
      if (code === 255) drop();
      return { code: code === 255 ? undefined : code };
    },
    forward: async (wanted) => {
      const to = await connect();
      await control(argv(to, ['-O', 'forward', ...tunnel(wanted), '--', target.ssh]), target, wanted, deps);
      return {
        cancel: async () => {
          const cancel = argv(to, ['-O', 'cancel', ...tunnel(wanted), '--', target.ssh]);
          await runProgram(cancel, { env: deps.env, timeoutMs: 5000 });
        },
      };
    },
    close: async (options) => {
      if (options?.forget) await endMaster(target, deps, socket);
      ride = undefined;
    },
  };
}

/** What never began may be tried again over a new connection when the kept one had died; what began, if it says so. */
function mayRepeat(error: unknown, script: ScriptRun, kept: boolean): boolean {
  const asked = script.stdin === undefined || Buffer.isBuffer(script.stdin);
  if (!(error instanceof DevenvError) || !asked) return false;
  if (error.code === 'lost') return script.repeatable === true;
  return kept && error.code === 'unreachable';
}

const tunnel = ({ localPort, remotePort }: Forward): readonly string[] => [
  '-L',
  `127.0.0.1:${localPort}:127.0.0.1:${remotePort}`,
];

async function control(
  argv: readonly string[],
  target: Target,
  { localPort }: Forward,
  deps: TransportDeps,
): Promise<void> {
  // The base options switch forwardings off; here they are what is asked for.
  const asked = argv.map((word) => (word === 'ClearAllForwardings=yes' ? 'ClearAllForwardings=no' : word));
  const result = await runProgram(asked, { env: deps.env, timeoutMs: 15_000 });
  if (!result.ok)
    throw new DevenvError(
      'environment',
      `${target.name}: port ${localPort} could not be forwarded: ${result.stderr.trim()}`,
      'is it taken here?',
    );
}

interface Ended {
  /** Its status, when the script told it. */
  readonly result: ScriptResult | undefined;
  readonly began: boolean;
  /** What ssh and rc files said on standard error before the script began. */
  readonly before: string;
  readonly stopped: 'timeout' | 'interrupted' | undefined;
}

function exec(
  argv: readonly string[],
  script: ScriptRun,
  nonce: string,
  deps: TransportDeps,
): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env: deps.env, stdio: 'pipe' });
  const out = createUnframer(nonce);
  const err = createUnframer(nonce);
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const giveOut = script.onStdout ?? ((chunk: Buffer) => kept.stdout.push(chunk));
  const giveErr = script.onStderr ?? ((chunk: Buffer) => kept.stderr.push(chunk));
  const give = (to: (chunk: Buffer) => unknown, chunk: Buffer): void => {
    if (chunk.length > 0) to(chunk);
  };
  let failed = '';
  child.stdout.on('data', (chunk: Buffer) => give(giveOut, out.push(chunk)));
  child.stderr.on('data', (chunk: Buffer) => give(giveErr, err.push(chunk)));
  child.on('error', (error) => (failed = errnoOf(error) ?? error.message));
  const stop = supervise(child, script);
  child.on('close', () => {
    stop.done();
    give(giveOut, out.rest());
    give(giveErr, err.rest());
    const code = out.code();
    resolve({
      began: out.began(),
      before: `${err.before()}${failed}`,
      stopped: stop.why(),
      result:
        code === undefined
          ? undefined
          : {
              code,
              stdout: Buffer.concat(kept.stdout),
              stderr: Buffer.concat(kept.stderr).toString('utf8'),
            },
    });
  });
  return promise;
}

/** Feeds standard input, and ends the call when its time is over or the user asks. */
function supervise(
  child: ChildProcess,
  script: ScriptRun,
): { readonly done: () => void; readonly why: () => Ended['stopped'] } {
  let why: Ended['stopped'];
  const end = (reason: NonNullable<Ended['stopped']>): void => {
    why ??= reason;
    // The keeper of the connection holds our pipes as well, as long as the other side does not answer.
    child.once('exit', () => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    });
    child.kill('SIGTERM');
  };
  const onAbort = (): void => {
    if (script.control) child.stdin?.write('INT\n');
    else end('interrupted');
  };
  // EPIPE: the other side did not want the rest; its status tells the story.
  child.stdin?.on('error', () => {});
  if (Buffer.isBuffer(script.stdin)) child.stdin?.end(script.stdin);
  else if (script.stdin) script.stdin.pipe(child.stdin!);
  else if (!script.control) child.stdin?.end();
  const timer =
    script.timeoutMs === undefined ? undefined : setTimeout(() => end('timeout'), script.timeoutMs);
  if (script.signal?.aborted) onAbort();
  else script.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    done: () => {
      clearTimeout(timer);
      script.signal?.removeEventListener('abort', onAbort);
    },
    why: () => why,
  };
}

/** Gives the call this terminal; Ctrl-C is for what is shown there. */
function onTerminal(argv: readonly string[], deps: TransportDeps): Promise<number> {
  return new Promise((resolve) => {
    const [file = '', ...args] = argv;
    const child = spawn(file, args, { env: deps.env, stdio: 'inherit' });
    child.on('error', () => resolve(255));
    child.on('close', (code) => resolve(code ?? 255));
  });
}
