import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, run, type ProcessInfo } from '../../base/index.ts';
import { findFreePort, holdersOf, isPortFree } from '../../ports/index.ts';
import { findOrphans, findSession } from '../../session/index.ts';
import { createTmux } from '../../tmux/index.ts';
import { fine, fromError, problem, type Check, type Examined, type Finding } from './check.ts';

/** The configuration: read, or its error with the place. */
export const configuration: Check = async ({ project }) => {
  if (project instanceof DevenvError) return fromError('error', 'configuration', project);
  if (project.configFile !== undefined) return fine('configuration', project.configFile);
  return fine('configuration', 'no devenv.yaml: what the project holds is used (devenv init writes it down)');
};

/** What sessions of the project that are gone left running. Without tmux nobody knows which are gone; its check says so. */
async function leftBehind({ ctx: { env, clock }, root }: Examined): Promise<readonly ProcessInfo[]> {
  const tmux = createTmux(env);
  try {
    const session = await findSession({ env, clock, tmux }, root);
    return await findOrphans(root, tmux.socket, { alive: session?.uid });
  } catch {
    return [];
  }
}

/** Each service's fixed port: free, or held by this project's session; and what earlier sessions left behind. */
export const ports: Check = async (examined) => {
  const left = await leftBehind(examined);
  const list = left.map(({ pid, command }) => `pid ${pid}: ${command.slice(0, 60)}`).join('; ');
  const told = {
    message: `a session that is gone left processes behind: ${list}`,
    remedy: 'devenv stop ends them',
  };
  const findings = await portsBut(examined, new Set(left.map(({ pid }) => pid)));
  return [...(left.length > 0 ? [problem('warning', 'processes', told)] : []), ...findings];
};

async function portsBut(
  { project }: Examined,
  left: ReadonlySet<number | undefined>,
): Promise<readonly Finding[]> {
  if (project instanceof DevenvError) return [];
  const all = project.config.windows.flatMap(({ name, port }) =>
    typeof port === 'number' ? [{ name, port }] : [],
  );
  const holders = await holdersOf(all.map(({ port }) => port));
  const fixed = all.filter(({ port }) => !left.has(holders.get(port)?.pid));
  if (fixed.length === 0) return [];
  const found = await Promise.all(
    fixed.map(async ({ name, port }): Promise<readonly Finding[]> => {
      const holder = holders.get(port);
      if (holder?.root === project.root || (await isPortFree(port))) return [];
      const free = await findFreePort(port + 1, new Set(all.map((other) => other.port)));
      const who = holder ? `pid ${holder.pid}: ${holder.command}` : 'a process that cannot be seen from here';
      const session = holder?.session ? ` (session ${holder.session})` : '';
      return [
        problem('error', 'ports', {
          message: `port ${port} of ${name} is taken by ${who}${session}`,
          remedy: `${holder ? `end it (kill ${holder.pid})` : 'end it'}, or set another one in devenv.yaml: ${free ?? 'auto'}`,
        }),
      ];
    }),
  );
  const taken = found.flat();
  return taken.length > 0
    ? taken
    : [fine('ports', `free or ours: ${fixed.map(({ port }) => port).join(', ')}`)];
}

/** Whether the system lets us watch every folder of the project (Linux: one inotify watch a folder). */
export const watches: Check = async ({ ctx, root }) => {
  const limit = readNumber('/proc/sys/fs/inotify/max_user_watches');
  if (limit === undefined) return [];
  const list = await run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    env: ctx.env,
    timeoutMs: 10_000,
    signal: ctx.signal,
  });
  if (!list.ok) return [];
  const folders = new Set<string>();
  for (const file of list.stdout.split('\0')) {
    let dir = path.dirname(file);
    while (!folders.has(dir)) {
      folders.add(dir);
      dir = path.dirname(dir);
    }
  }
  // Editors and other programs of this user draw on the same allowance.
  const enough = folders.size * 2 <= limit;
  const message = `${folders.size} folders to watch, the system allows ${limit} watches for all programs together`;
  if (enough) return fine('file watches', message);
  const remedy =
    'echo fs.inotify.max_user_watches=524288 | sudo tee /etc/sysctl.d/60-inotify.conf && sudo sysctl --system';
  return problem('warning', 'file watches', { message, remedy });
};

function readNumber(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined; // another system
  }
}

/** Whether the terminal shows more than ASCII. */
export const terminal: Check = async ({ ctx }) => {
  const locale = localeOf(ctx.env);
  if (isUtf8(locale)) return fine('terminal', `${ctx.env['TERM'] ?? 'no TERM'}, ${locale}`);
  return problem('warning', 'terminal', {
    message: `the locale ${locale || '(none set)'} is not UTF-8: letters and lines on the screen may be wrong`,
    remedy: 'export LANG=C.UTF-8',
  });
};

/** The locale that decides about characters. */
export function localeOf(env: NodeJS.ProcessEnv): string {
  return env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
}

export function isUtf8(locale: string): boolean {
  return /utf-?8/i.test(locale);
}
