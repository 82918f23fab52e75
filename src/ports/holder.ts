import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { run } from '../base/index.ts';

/** The process that listens on a port, and the devenv session it belongs to, if it does. */
export interface PortHolder {
  readonly pid: number;
  readonly command: string;
  /** From its environment: id of the session's build (DEVENV_SESSION_ID), name of the session, window. */
  readonly sessionId?: string | undefined;
  readonly session?: string | undefined;
  readonly window?: string | undefined;
  /** The project's folder (DEVENV_ROOT). */
  readonly root?: string | undefined;
}

/**
 * Who listens on a TCP port; undefined when nobody does, or when it is a process of another user
 * that this one may not look into. Linux: /proc, no process is started; elsewhere: lsof.
 */
export async function holderOf(port: number): Promise<PortHolder | undefined> {
  return (await holdersOf([port])).get(port);
}

/** As `holderOf` for several ports at once: one walk over the processes for all of them. */
export async function holdersOf(ports: readonly number[]): Promise<ReadonlyMap<number, PortHolder>> {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(readLines);
  if (tables.length > 0) return fromProc(ports, tables);
  const found = await Promise.all(ports.map(async (port) => [port, await fromLsof(port)] as const));
  return new Map(found.flatMap(([port, holder]) => (holder ? [[port, holder] as const] : [])));
}

/** The socket inodes of listeners on these ports, from lines of /proc/net/tcp and tcp6. */
export function listeningInodes(
  lines: readonly string[],
  ports: readonly number[],
): ReadonlyMap<string, number> {
  const wanted = new Set(ports);
  const inodes = new Map<string, number>();
  for (const line of lines) {
    // sl, local address, remote address, state (0A: listening), queues, timer, retransmits, uid, timeout, inode
    const [, local = '', , state, , , , , , inode = '0'] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16);
    if (state === '0A' && inode !== '0' && wanted.has(port)) inodes.set(inode, port);
  }
  return inodes;
}

function fromProc(ports: readonly number[], lines: readonly string[]): ReadonlyMap<number, PortHolder> {
  const inodes = listeningInodes(lines, ports);
  const found = new Map<number, PortHolder>();
  if (inodes.size === 0) return found;
  const missing = new Set(inodes.values());
  // In order of pids, so of the processes that share a listener (a forked server) the first one is named.
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const pid of pids.map(Number)) {
    for (const inode of socketsOf(pid)) {
      const port = inodes.get(inode);
      if (port === undefined || found.has(port)) continue;
      found.set(port, describe(pid));
      missing.delete(port);
    }
    if (missing.size === 0) break;
  }
  return found;
}

function socketsOf(pid: number): readonly string[] {
  const dir = `/proc/${pid}/fd`;
  return readNames(dir).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${dir}/${fd}`))?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

function describe(pid: number): PortHolder {
  const command = readText(`/proc/${pid}/cmdline`).split('\0').filter(Boolean).join(' ');
  const environ = readText(`/proc/${pid}/environ`).split('\0');
  const value = (name: string): string | undefined =>
    environ.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) || undefined;
  return {
    pid,
    command: command || readText(`/proc/${pid}/comm`).trim(),
    sessionId: value('DEVENV_SESSION_ID'),
    session: value('DEVENV_SESSION'),
    window: value('DEVENV_WINDOW'),
    root: value('DEVENV_ROOT'),
  };
}

async function fromLsof(port: number): Promise<PortHolder | undefined> {
  const result = await run(['lsof', '-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const pid = Number(/^p(\d+)$/m.exec(result.stdout)?.[1]);
  if (!pid) return undefined;
  const ps = await run(['ps', '-wwo', 'command=', '-p', String(pid)]);
  return { pid, command: ps.stdout.trim() || (/^c(.*)$/m.exec(result.stdout)?.[1] ?? '') };
}

function readLines(file: string): readonly string[] {
  return readText(file).split('\n').slice(1);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // not Linux, ended meanwhile, or another user's
  }
}

function readNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return []; // ended meanwhile, or another user's
  }
}
