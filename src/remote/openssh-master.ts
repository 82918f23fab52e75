import { existsSync, lstatSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { DevenvError, errnoOf, isAlive, makeLockFile, run, systemClock } from '../base/index.ts';
import { byHand, explainSsh } from './failure.ts';
import { sshArgv } from './openssh-argv.ts';
import type { Target, TransportDeps } from './types.ts';

/** How long the connection waits for a next command. */
const persistSec = 600;

/** What a call of ssh adds in order to use a connection that is there. */
export type Ride = readonly string[];

/**
 * Makes sure that a connection is there: ours from before, the user's own if one answers (which spares a second
 * code of a 2FA), or a new one. Throws what `explainSsh` makes of a failure. Says what to add to a call of ssh.
 */
export async function ensureMaster(target: Target, deps: TransportDeps, socket: string): Promise<Ride> {
  const own: Ride = ['-o', 'ControlMaster=no', '-o', `ControlPath=${socket}`];
  if (existsSync(socket)) return own;
  if (await usersMasterAnswers(target, deps)) return ['-o', 'ControlMaster=no'];
  const lock = `${socket}.lock`;
  await takeLock(lock, () => existsSync(socket), deps.signal);
  try {
    if (!existsSync(socket)) await startMaster(target, deps, socket);
  } finally {
    rmSync(lock, { force: true });
  }
  return own;
}

/** Ends the connection that is kept, if there is one; a dead socket goes as well. */
export async function endMaster(target: Target, deps: TransportDeps, socket: string): Promise<void> {
  if (!existsSync(socket)) return;
  const argv = [...sshArgv(target, deps.env, { batch: true }), '-o', `ControlPath=${socket}`];
  await run([...argv, '-O', 'exit', '--', target.ssh], { env: deps.env, timeoutMs: 5000 });
  rmSync(socket, { force: true });
}

/** Tells one socket of a name from the next; undefined: there is none. */
export function inodeOf(socket: string): bigint | undefined {
  return lstatSync(socket, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** Lets go of a connection that is of no use any more, and tells its process to end; that is not waited for. */
export function abandonMaster(target: Target, deps: TransportDeps, socket: string): void {
  const aside = `${socket}.old`;
  try {
    renameSync(socket, aside);
  } catch {
    return; // it is gone already
  }
  const argv = [...sshArgv(target, deps.env, { batch: true }), '-o', `ControlPath=${aside}`];
  const [file, ...args] = [...argv, '-O', 'exit', '--', target.ssh] as const;
  spawn(file, args, { env: deps.env, stdio: 'ignore', detached: true })
    .on('error', () => {})
    .on('exit', () => rmSync(aside, { force: true }))
    .unref();
}

async function usersMasterAnswers(target: Target, deps: TransportDeps): Promise<boolean> {
  const argv = [...sshArgv(target, deps.env, { batch: true }), '-O', 'check', '--', target.ssh];
  const result = await run(argv, { env: deps.env, timeoutMs: 5000 });
  return result.ok;
}

/** Two commands at once must not make two connections: the second waits for what the first makes. */
async function takeLock(lock: string, isDone: () => boolean, signal?: AbortSignal): Promise<void> {
  for (;;) {
    if (makeLockFile(lock) || isDone()) return;
    if (signal?.aborted) throw new DevenvError('interrupted', 'interrupted');
    const holder = readHolder(lock);
    if (holder !== undefined && !isAlive(holder)) rmSync(lock, { force: true });
    else await systemClock.sleep(20, signal);
  }
}

function readHolder(lock: string): number | undefined {
  try {
    return Number(readFileSync(lock, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Starts a connection that goes into the background once it stands. Its words go to a file: a pipe would be held
 * open by it for as long as it lives. On a terminal ssh itself asks for a pass phrase or a new host key.
 */
async function startMaster(target: Target, deps: TransportDeps, socket: string): Promise<void> {
  const log = `${socket}.log`;
  const argv = [
    ...sshArgv(target, deps.env, { batch: !deps.interactive }),
    '-M',
    '-N',
    '-f',
    '-v',
    '-E',
    log,
    '-o',
    `ControlPath=${socket}`,
    '-o',
    `ControlPersist=${persistSec}`,
    ...(deps.acceptNewHostKey ? ['-o', 'StrictHostKeyChecking=accept-new'] : []),
    '--',
    target.ssh,
  ];
  rmSync(log, { force: true });
  const { code, missing } = await spawnQuietly(argv, deps);
  if (missing)
    throw new DevenvError(
      'missing-tool',
      'ssh is not installed here',
      'apt-get install openssh-client, or transport: node-ssh for this host',
    );
  const said = readText(log);
  rmSync(log, { force: true });
  if (deps.signal?.aborted) throw new DevenvError('interrupted', 'interrupted');
  if (code !== 0) throw explainSsh(target.name, said, byHand(target, deps.env));
}

function spawnQuietly(
  argv: readonly string[],
  deps: TransportDeps,
): Promise<{ readonly code: number | null; readonly missing: boolean }> {
  return new Promise((resolve) => {
    const [file = '', ...args] = argv;
    const stdio = deps.interactive ? 'inherit' : 'ignore';
    const child = spawn(file, args, {
      env: deps.env,
      stdio: [stdio, 'ignore', stdio],
      ...(deps.signal ? { signal: deps.signal } : {}),
    });
    child.on('error', (error) => resolve({ code: null, missing: errnoOf(error) === 'ENOENT' }));
    child.on('exit', (code) => resolve({ code, missing: false }));
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
