import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { atMost, benchEnv, endEnv, devenv, interleave, ms, round, time, type Goal } from './measure.ts';
import { makeRepo } from './repo.ts';

const names = ['editor', 'api', 'ui', 'watcher', 'e2e', 'logs'];
const command = 'sleep 600';

/** The same six windows for everybody: each runs a command that does nothing. */
export const sixWindows = `name: bench\nwindows:\n${names.map((name) => `  ${name}: { command: ${command}, kind: service }\n`).join('')}`;

function tmuxinatorYaml(socket: string, project: string): string {
  const windows = names.map((name) => `  - ${name}: ${command}\n`).join('');
  return `name: bench\nroot: ${project}\nsocket_name: ${socket}\nattach: false\nwindows:\n${windows}`;
}

function tmuxpYaml(project: string): string {
  const windows = names.map((name) => `  - window_name: ${name}\n    panes: ["${command}"]\n`).join('');
  return `session_name: bench\nstart_directory: ${project}\nwindows:\n${windows}`;
}

const bareList = names.flatMap((name, i) => [
  ...(i === 0
    ? ['new-session', '-d', '-s', 'bench', '-x', '200', '-y', '50', '-n', name]
    : [';', 'new-window', '-d', '-t', '=bench:', '-n', name]),
  command,
]);

function installed(name: string): boolean {
  if (spawnSync('which', [name]).status === 0) return true;
  spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', name], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return spawnSync('which', [name]).status === 0;
}

/**
 * Ends a private server and everything that ran in it, and waits until all of it is gone: each round starts cold,
 * and none pays for the end of the one before.
 */
function reset(socket: string, env: NodeJS.ProcessEnv): void {
  spawnSync('tmux', ['-L', socket, 'kill-server'], { env });
  const mark = `XDG_STATE_HOME=${env['XDG_STATE_HOME']}`;
  while (pidsWith(mark).length > 0) spawnSync('sleep', ['0.01']);
}

function pidsWith(mark: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(mark);
    } catch {
      return false; // ended meanwhile
    }
  });
}

/** Building a six-window session against one bare tmux command list, tmuxinator and tmuxp. */
export async function sessionGoals(): Promise<Goal[]> {
  const { env, dir, socket } = benchEnv();
  const project = path.join(dir, 'project');
  mkdirSync(project);
  makeRepo(project, 200, env, sixWindows);
  const at = { cwd: project, env };
  writeFileSync(path.join(dir, 'tmuxinator.yml'), tmuxinatorYaml(socket, project));
  writeFileSync(path.join(dir, 'tmuxp.yaml'), tmuxpYaml(project));
  const cold = (argv: readonly string[]) => () => {
    reset(socket, env);
    return time(argv, at);
  };
  // tmuxinator starts a server that sometimes is gone again before its next client comes: such a try is not counted.
  const patient = (attempt: () => number) => () => {
    for (let tries = 1; ; tries++) {
      try {
        return attempt();
      } catch (error) {
        if (tries === 10) throw error;
      }
    }
  };
  const peers: Record<string, () => number> = {};
  if (installed('tmuxinator'))
    peers['tmuxinator'] = patient(cold(['tmuxinator', 'start', '-p', path.join(dir, 'tmuxinator.yml')]));
  if (installed('tmuxp'))
    peers['tmuxp'] = patient(cold(['tmuxp', 'load', '-d', '-L', socket, path.join(dir, 'tmuxp.yaml')]));
  try {
    const list = recordList(project, env, dir, () => reset(socket, env));
    const m: Record<string, number> = await interleave({
      node: () => time([process.execPath, '-e', '0'], at),
      tmux: cold(['tmux', '-L', socket, ...bareList]),
      same: () => {
        reset(socket, env);
        return time(['tmux', ...list.argv], { ...at, input: list.input });
      },
      devenv: cold([...devenv, 'start', '--detach', '--no-wait']),
      ...peers,
    });
    const { node = NaN, tmux = NaN, same = NaN, devenv: own = NaN } = m;
    const start = 'devenv start --detach --no-wait, 6 windows';
    const goals = [
      // The list that devenv sends, with its logs, options and wrappers, sent by tmux alone.
      atMost(start, '<= node + 2 x a list for that session', own, node + 2 * same, node + same),
      // What six windows cost that nobody logs, marks or supervises: stricter than the goal, and as a warning.
      atMost('the same', '<= node + 2 x six bare windows', own, node + 2 * tmux, node + tmux),
      clientCount(project, env, dir, () => reset(socket, env)),
    ];
    for (const name of ['tmuxinator', 'tmuxp']) {
      const peer = m[name];
      goals.push({
        name: `ahead of ${name}`,
        goal: '>= 3 x as fast',
        figure: peer === undefined ? 'not installed' : `${ms(peer)} against ${ms(own)}`,
        ratio: peer === undefined ? undefined : round(peer / own),
        ok: peer !== undefined && peer >= 3 * own,
        detail: { peerMs: peer === undefined ? 'not installed' : round(peer), devenvMs: round(own) },
      });
    }
    return goals;
  } finally {
    reset(socket, env);
    endEnv({ dir, socket });
  }
}

/** What devenv sends to tmux for the session: the arguments of that client, and its standard input. */
function recordList(
  project: string,
  env: NodeJS.ProcessEnv,
  dir: string,
  cold: () => void,
): { readonly argv: readonly string[]; readonly input: string } {
  cold();
  const shims = path.join(dir, 'recording');
  mkdirSync(shims);
  const at = (name: string): string => path.join(shims, name);
  const real = spawnSync('which', ['tmux'], { encoding: 'utf8' }).stdout.trim();
  writeFileSync(
    at('tmux'),
    `#!/bin/sh
case "$*" in *source-file*) printf '%s\\0' "$@" >'${at('argv')}'; tee '${at('input')}' | ${real} "$@" ;;
*) exec ${real} "$@" ;; esac
`,
  );
  chmodSync(at('tmux'), 0o755);
  time([...devenv, 'start', '--detach', '--no-wait'], {
    cwd: project,
    env: { ...env, PATH: `${shims}:${env['PATH']}` },
  });
  const input = readFileSync(at('input'), 'utf8').replaceAll(`${shims}:`, '');
  return { argv: readFileSync(at('argv'), 'utf8').split('\0').filter(Boolean), input };
}

/** How many tmux clients a start takes, counted by a `tmux` that stands before the real one in PATH. */
function clientCount(project: string, env: NodeJS.ProcessEnv, dir: string, cold: () => void): Goal {
  cold();
  const shims = path.join(dir, 'shims');
  const log = path.join(dir, 'calls');
  mkdirSync(shims);
  const real = spawnSync('which', ['tmux'], { encoding: 'utf8' }).stdout.trim();
  // Only the start itself is counted: the panes' own wrappers inherit no BENCH_CALLS.
  writeFileSync(path.join(shims, 'tmux'), `#!/bin/sh\necho "$PPID" >>'${log}'\nexec ${real} "$@"\n`);
  chmodSync(path.join(shims, 'tmux'), 0o755);
  const child = spawnSync(devenv[0], [devenv[1], 'start', '--detach', '--no-wait'], {
    cwd: project,
    env: { ...env, PATH: `${shims}:${env['PATH']}` },
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new Error(child.stderr);
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line === String(child.pid)).length;
  return {
    name: 'tmux clients of a start',
    goal: '<= 2',
    figure: String(calls),
    ratio: undefined,
    ok: calls > 0 && calls <= 2,
    detail: { calls },
  };
}
