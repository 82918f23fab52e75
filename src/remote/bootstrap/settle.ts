import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import {
  environOf,
  listProcesses,
  packageRoot,
  self,
  shellQuote,
  stateDir,
  replaceFile,
} from '../../base/index.ts';

/** What `settle` did. */
export interface Settled {
  readonly kept: readonly string[];
  readonly dropped: readonly string[];
}

/** A folder of a build: version and hash. */
const buildName = /^\d+\.\d+\.\d+\S*\+[0-9a-f]{8}$/;

/**
 * The last step of an install, done on the box by the build that was installed: it becomes the current one, and
 * those that nobody needs any more go. The present and the one before stay, and whatever is at work.
 */
export async function settle(env: NodeJS.ProcessEnv): Promise<Settled> {
  const root = packageRoot();
  const data = path.dirname(root);
  const build = path.basename(root);
  if (!buildName.test(build)) return { kept: [], dropped: [] };
  const before = linkedBuild(data, 'current');
  if (before !== build) {
    if (before !== undefined) pointTo(data, 'previous', before);
    pointTo(data, 'current', build);
  }
  writeWrapper(data);
  const builds = readdirSync(data).filter((name) => buildName.test(name));
  const used = await inUse(builds, env);
  const { keep, drop } = planPrune(builds, {
    current: build,
    previous: linkedBuild(data, 'previous'),
    used,
  });
  for (const name of drop) rmSync(path.join(data, name), { recursive: true, force: true });
  pruneRuntimes(data, keep);
  return { kept: keep, dropped: drop };
}

/** Which builds stay. `used` is undefined where it cannot be known: then all do. */
export function planPrune(
  builds: readonly string[],
  known: {
    readonly current: string;
    readonly previous: string | undefined;
    readonly used: ReadonlySet<string> | undefined;
  },
): { readonly keep: readonly string[]; readonly drop: readonly string[] } {
  const { current, previous, used } = known;
  const stays = (name: string): boolean =>
    name === current || name === previous || used === undefined || used.has(name);
  return { keep: builds.filter(stays), drop: builds.filter((name) => !stays(name)) };
}

function linkedBuild(data: string, link: string): string | undefined {
  try {
    return path.basename(readlinkSync(path.join(data, link)));
  } catch {
    return undefined; // not made yet
  }
}

function pointTo(data: string, link: string, build: string): void {
  const temporary = path.join(data, `.${link}.${self.pid}`);
  rmSync(temporary, { force: true });
  symlinkSync(build, temporary);
  renameSync(temporary, path.join(data, link));
}

/** `devenv` on the box, for people and for cron: the current build with its node, whatever shell setup there is. */
function writeWrapper(data: string): void {
  replaceFile(path.join(data, 'bin', 'devenv'), wrapper(data), 0o700);
}

/** Its text. */
export function wrapper(data: string): string {
  return `#!/bin/sh
# devenv as it was brought to this machine; devenv host bootstrap writes it anew.
data=${shellQuote(data)}
build=$(readlink "$data/current")
node=
{ read -r node <"$data/$build/.ok"; } 2>/dev/null
if [ ! -x "$node" ]; then
  echo "devenv: the Node it runs with is gone (\${node:-none}); devenv host bootstrap, at home, brings another" >&2
  exit 3
fi
login=
{ read -r login <"$data/path"; } 2>/dev/null
PATH=\${login:+$login:}$PATH:\${node%/*}
export PATH
exec "$node" "$data/$build/bin/devenv.js" "$@"
`;
}

/**
 * The builds that a living process runs or would call: one on its command line, or one that the panes of a session
 * call as \`devenv\` (a small program in the state folder, which the panes' environment names), or one that a
 * schedule will call.
 */
async function inUse(
  builds: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ReadonlySet<string> | undefined> {
  if (!existsSync('/proc/self/environ')) return undefined;
  const shims = readShims(path.join(stateDir(env), 'bin'));
  const scheduled = readScheduled(path.join(stateDir(env), 'cron'));
  const used = new Set(builds.filter((build) => scheduled.some((text) => text.includes(`/${build}/`))));
  for (const { pid, command } of await listProcesses()) {
    const environment = environOf(pid).join('\n');
    for (const build of builds) {
      if (command.includes(`/${build}/`)) used.add(build);
      const calls = shims.some(({ dir, text }) => text.includes(`/${build}/`) && environment.includes(dir));
      if (calls) used.add(build);
    }
  }
  return used;
}

function readShims(bin: string): readonly { readonly dir: string; readonly text: string }[] {
  try {
    return readdirSync(bin).map((name) => {
      const dir = path.join(bin, name);
      return { dir, text: readFileSync(path.join(dir, 'devenv'), 'utf8') };
    });
  } catch {
    return []; // no session was ever built here
  }
}

/** The scripts that cron and timers call. */
function readScheduled(dir: string): readonly string[] {
  try {
    return readdirSync(dir).map((id) => readText(path.join(dir, id, 'nightly')));
  } catch {
    return []; // nothing was ever scheduled here
  }
}

function pruneRuntimes(data: string, kept: readonly string[]): void {
  const dir = path.join(data, 'runtimes');
  const nodes = [self.execPath, ...kept.map((build) => readText(path.join(data, build, '.ok')))];
  for (const name of existsSync(dir) ? readdirSync(dir) : [])
    if (!nodes.some((node) => node.includes(`/runtimes/${name}/`)))
      rmSync(path.join(dir, name), { recursive: true, force: true });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
