import { spawn } from 'node:child_process';
import { DevenvError, errnoOf, run as runProgram } from '../base/index.ts';
import { readFramed, repeatOnce, stoppedError, supervise, type Ended } from './call.ts';
import { byHand, explainSsh, lostError } from './failure.ts';
import { frame, frameless } from './frame.ts';
import { controlSocket, sshArgv } from './openssh-argv.ts';
import { abandonMaster, endMaster, ensureMaster, inodeOf, type Ride } from './openssh-master.ts';
import type { Forward, ScriptResult, ScriptRun, Target, Transport, TransportDeps } from './types.ts';

/**
 * The system's ssh with a connection of devenv's own, kept for ten minutes: whatever OpenSSH can do on this machine
 * (configuration, jumps, agents, certificates, hardware keys, known hosts) works because OpenSSH does it.
 */
export function createOpenSsh(target: Target, deps: TransportDeps): Transport {
  const socket = controlSocket(target, deps.env);
  let ride: Ride | undefined;
  let kept: bigint | undefined;
  const connect = async (): Promise<Ride> => {
    ride ??= await ensureMaster(target, deps, socket);
    kept ??= inodeOf(socket);
    return ride;
  };
  /** The kept connection is of no use any more: the next call makes a new one. */
  const drop = (): void => {
    ride = undefined;
    // Another process may have made a new one meanwhile: that stays.
    if (kept !== undefined && inodeOf(socket) === kept) abandonMaster(target, deps, socket);
    kept = undefined;
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
    // No answer in time: the link is dead, whoever still believes in it.
    if (ended.stopped !== 'interrupted') drop();
    throw (
      stoppedError(target, script, ended) ??
      (ended.began || maybeSent(ended)
        ? lostError(target.name)
        : explainSsh(target.name, ended.before, byHand(target, deps.env)))
    );
  };

  return {
    kind: 'openssh',
    run: (script) => repeatOnce(script, ride !== undefined, () => attempt(script)),
    attach: async ({ script, vars }) => {
      const to = await connect();
      const command = frameless(script, vars);
      const code = await onTerminal(argv(to, ['--', target.ssh, command], true), deps);
      if (code === 255) drop();
      return { code: code === 255 ? undefined : code };
    },
    forward: async (wanted) => {
      const to = await connect();
      const asking = (what: string): readonly string[] =>
        asTold(argv(to, ['-O', what, ...tunnel(wanted), '--', target.ssh]));
      await control(asking('forward'), target, wanted, deps);
      return {
        cancel: async () => {
          await runProgram(asking('cancel'), { env: deps.env, timeoutMs: 5000 });
        },
      };
    },
    close: async (options) => {
      if (options?.forget) await endMaster(target, deps, socket);
      ride = undefined;
    },
  };
}

/**
 * Over a kept connection the command may have reached the box before the link broke under it, and then ssh says
 * nothing; what it does say (no session, no such socket) means that it has not.
 */
const maybeSent = ({ before }: Ended): boolean =>
  before.trim() === '' || /Connection (closed|reset)|Broken pipe|client_loop/.test(before);

const tunnel = ({ localPort, remotePort }: Forward): readonly string[] => [
  '-L',
  `127.0.0.1:${localPort}:127.0.0.1:${remotePort}`,
];

/** The base options switch forwardings off; here they are what is asked for. */
const asTold = (argv: readonly string[]): readonly string[] =>
  argv.map((word) => (word === 'ClearAllForwardings=yes' ? 'ClearAllForwardings=no' : word));

async function control(
  argv: readonly string[],
  target: Target,
  { localPort }: Forward,
  deps: TransportDeps,
): Promise<void> {
  const result = await runProgram(argv, { env: deps.env, timeoutMs: 15_000 });
  if (!result.ok)
    throw new DevenvError(
      'environment',
      `${target.name}: port ${localPort} could not be forwarded: ${result.stderr.trim()}`,
      'is it taken here?',
    );
}

function exec(
  argv: readonly string[],
  script: ScriptRun,
  nonce: string,
  deps: TransportDeps,
): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const [file = '', ...args] = argv;
  // In a group of its own: the terminal's Ctrl-C is for devenv, which hands it on to the command there.
  const child = spawn(file, args, { env: deps.env, stdio: 'pipe', detached: true });
  const reading = readFramed(nonce, script);
  let failed = '';
  const finish = (): void => {
    call.done();
    resolve(reading.end(call.why(), failed));
  };
  // The connection's own farewell takes some milliseconds more.
  const hear = (take: (chunk: Buffer) => void) => (chunk: Buffer) => {
    take(chunk);
    if (reading.complete()) finish();
  };
  child.stdout.on('data', hear(reading.stdout));
  child.stderr.on('data', hear(reading.stderr));
  child.on('error', (error) => (failed = errnoOf(error) ?? error.message));
  const end = (): void => {
    child.kill('SIGTERM');
    // The process that keeps the connection holds these open for as long as the script runs there.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const call = supervise({ stdin: child.stdin, end }, script);
  child.on('close', finish);
  return promise;
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
