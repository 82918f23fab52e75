// The steps of the main job on examples/shop. scripts/demo tells them; tests/e2e/main-job.test.ts runs them too.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The place the demo happens in. */
export interface World {
  readonly dir: string;
  readonly project: string;
  readonly bin: string;
  readonly env: NodeJS.ProcessEnv;
  readonly ports: { readonly api: number; readonly ui: number };
  readonly say: (line: string) => void;
  /** What a step leaves for later ones. */
  readonly memory: Map<string, string>;
}

export interface Step {
  readonly title: string;
  /** The last step ends the session; `--keep` leaves it out. */
  readonly ends?: boolean;
  readonly run: (world: World) => Promise<void>;
}

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Status {
  readonly running: boolean;
  readonly windows: readonly { name: string; state: string; health: string; port: number | null }[];
  readonly suites: Readonly<Record<string, { verdict: string; tree: string | null } | undefined>>;
  readonly checkpoint: { lastGood: string | null; last: string | null; why: string | null };
}

const root = path.resolve(import.meta.dirname, '..');
/** The file that the demo edits, as a person would. */
const edited = 'shared/pricing.ts';

/** Copies the sample project into a new git repository of its own, with free ports and a private tmux server. */
export async function openWorld(say: (line: string) => void): Promise<World> {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'devenv-demo-')));
  const project = path.join(dir, 'shop');
  const bin = path.join(dir, 'bin');
  mkdirSync(bin);
  writeFileSync(
    path.join(bin, 'devenv'),
    `#!/bin/sh\nexec '${process.execPath}' '${root}/bin/devenv.js' "$@"\n`,
  );
  chmodSync(path.join(bin, 'devenv'), 0o755);
  // The project's own programs need this Node too; npm comes from the machine.
  symlinkSync(process.execPath, path.join(bin, 'node'));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(GIT_|DEVENV_|TMUX|VITEST|CI$|NODE_OPTIONS)/.test(name),
  );
  const env = {
    ...Object.fromEntries(inherited),
    XDG_STATE_HOME: path.join(dir, 'state'),
    XDG_CACHE_HOME: path.join(dir, 'cache'),
    DEVENV_TMUX_SOCKET: path.basename(dir),
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
  };
  return {
    dir,
    project,
    bin,
    env,
    ports: { api: await freePort(), ui: await freePort() },
    say,
    memory: new Map(),
  };
}

/** Ends whatever of the demo still runs. */
export async function endWorld(world: World): Promise<void> {
  await execute(world, ['devenv', 'stop'], { quiet: true });
  const socket = world.env['DEVENV_TMUX_SOCKET'] ?? '';
  await execute(world, ['tmux', '-L', socket, 'kill-server'], { quiet: true });
  const dir = path.join(world.env['TMUX_TMPDIR'] ?? '/tmp', `tmux-${process.getuid?.() ?? 0}`);
  rmSync(path.join(dir, socket), { force: true });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject).listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Runs a command in the project; shows it and what it printed unless `quiet`. */
function execute(
  world: World,
  argv: readonly string[],
  options: { quiet?: boolean; lines?: number } = {},
): Promise<Outcome> {
  const [file = '', ...args] = argv;
  if (!options.quiet) world.say(`   $ ${argv.map((a) => (/\s/.test(a) ? `'${a}'` : a)).join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: world.project,
      env: world.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.on('error', reject).on('close', (code) => {
      if (!options.quiet) show(world, out + err, options.lines ?? 14);
      resolve({ code, out, err });
    });
  });
}

function show(world: World, text: string, most: number): void {
  const lines = text.trimEnd().split('\n').filter(Boolean);
  for (const line of lines.slice(0, most)) world.say(`     ${line}`);
  if (lines.length > most) world.say(`     ... ${lines.length - most} more lines`);
}

async function must(
  world: World,
  argv: readonly string[],
  options: { quiet?: boolean; lines?: number } = {},
): Promise<string> {
  const result = await execute(world, argv, options);
  if (result.code !== 0)
    throw new Error(`${argv.join(' ')} ended with ${result.code}: ${result.out}${result.err}`);
  return result.out;
}

async function status(world: World): Promise<Status> {
  return JSON.parse(await must(world, ['devenv', 'status', '--json'], { quiet: true })) as Status;
}

async function until<T>(what: string, check: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`waited ${seconds} s in vain for: ${what}`);
}

function proof(world: World, condition: boolean, text: string): void {
  if (!condition) throw new Error(`not so: ${text}`);
  world.say(`   \u001b[32m✓\u001b[39m ${text}`);
}

const file = (world: World): string => path.join(world.project, edited);
const content = (world: World): string => readFileSync(file(world), 'utf8');
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

async function copyShop(world: World): Promise<void> {
  cpSync(path.join(root, 'examples/shop'), world.project, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !/\/shop\/(data|dist|reports)$/.test(source),
  });
  writeFileSync(
    path.join(world.project, 'devenv.local.yaml'),
    `# Only for this demo: a short interval, and ports that are free here.
windows:
  api: { port: ${world.ports.api}, ready: "http://localhost:${world.ports.api}/health" }
  ui: { port: ${world.ports.ui} }
checkpoint: { every: 6s, quiet: 2s }
`,
  );
  await must(world, ['git', 'init', '-q', '-b', 'main'], { quiet: true });
  await must(world, ['git', 'config', 'user.name', 'Demo'], { quiet: true });
  await must(world, ['git', 'config', 'user.email', 'demo@localhost'], { quiet: true });
  await must(world, ['git', 'add', '-A']);
  await must(world, ['git', 'commit', '-q', '-m', 'The shop']);
  const dirty = await must(world, ['git', 'status', '--short'], { quiet: true });
  proof(
    world,
    dirty === '',
    `a new repository with ${(await must(world, ['git', 'ls-files'], { quiet: true })).trim().split('\n').length} files`,
  );
}

async function start(world: World): Promise<void> {
  await must(world, ['devenv', 'start', '--detach']);
  const now = await status(world);
  const services = now.windows.filter((w) => ['api', 'ui'].includes(w.name));
  proof(
    world,
    services.length === 2 && services.every((w) => w.health === 'healthy'),
    'api and ui are healthy',
  );
  const names = now.windows.map((w) => w.name);
  proof(
    world,
    ['editor', 'api', 'ui', 'watcher', 'e2e', 'logs'].every((name) => names.includes(name)),
    `windows: ${names.join(', ')}`,
  );
  await must(world, ['devenv', 'status'], { lines: 30 });
}

async function firstCheckpoint(world: World): Promise<void> {
  const good = await until(
    'a first good checkpoint',
    async () => (await status(world)).checkpoint.lastGood ?? undefined,
  );
  proof(
    world,
    /^checkpoint-\d{8}-\d{6}/.test(good),
    `the watcher tested the project and the timer tagged it: ${good}`,
  );
  world.memory.set('first', good);
}

async function edit(world: World): Promise<void> {
  const before = (await status(world)).suites['unit']?.tree;
  writeFileSync(
    file(world),
    `${content(world)}\n/** Prices are shown with two decimals. */\nexport const decimals = 2;\n`,
  );
  world.memory.set('good', content(world));
  world.say(`   (a line is added to ${edited}; nothing else is done)`);
  const unit = await until('a run on the new tree', async () => {
    const now = (await status(world)).suites['unit'];
    return now && now.tree !== before && now.verdict === 'passed' ? now : undefined;
  });
  proof(
    world,
    unit.verdict === 'passed',
    `the tests ran by themselves and passed, on tree ${unit.tree?.slice(0, 12)}`,
  );
  const first = world.memory.get('first');
  const tag = await until('a checkpoint of the edit', async () => {
    const { lastGood } = (await status(world)).checkpoint;
    return lastGood !== null && lastGood !== first ? lastGood : undefined;
  });
  const tree = (await must(world, ['git', 'rev-parse', `${tag}^{tree}`], { quiet: true })).trim();
  proof(world, tree === unit.tree, `the timer tagged exactly that tree: ${tag}`);
  await must(world, ['devenv', 'checkpoints']);
  world.memory.set('tag', tag);
}

async function breakIt(world: World): Promise<void> {
  const broken = content(world).replace('bulkPercent = 10', 'bulkPercent = 12');
  writeFileSync(file(world), broken);
  world.memory.set('broken', broken);
  world.say(`   (a wrong discount is put into ${edited})`);
  await until('red tests', async () => (await status(world)).suites['unit']?.verdict === 'failed');
  proof(world, true, 'the tests are red');
  await until('the reset', () => Promise.resolve(content(world) === world.memory.get('good')));
  proof(world, true, `the last good state is back by itself (${edited} is ${digest(content(world))} again)`);
  const why = await until('the reason', async () => {
    const now = (await status(world)).checkpoint.why;
    return now !== null && /undo/.test(now) ? now : undefined;
  });
  world.say(`     ${why}`);
}

async function undoIt(world: World): Promise<void> {
  await must(world, ['devenv', 'undo']);
  proof(
    world,
    content(world) === world.memory.get('broken'),
    `the broken edit is back exactly (${digest(content(world))})`,
  );
}

async function rollBack(world: World): Promise<void> {
  await must(world, ['devenv', 'rollback', '--dry-run']);
  await must(world, ['devenv', 'rollback']);
  proof(world, content(world) === world.memory.get('good'), `it is gone again (${digest(content(world))})`);
  const log = await must(world, ['git', 'log', '--oneline', 'main'], { quiet: true });
  proof(world, log.trim().split('\n').length === 1, 'the branch was never moved: still one commit');
}

async function endToEnd(world: World): Promise<void> {
  await must(world, ['devenv', 'run', 'e2e'], { lines: 20 });
  proof(world, true, 'the order went through the browser into the database');
}

async function logs(world: World): Promise<void> {
  const out = await must(world, ['devenv', 'logs', 'api', '--grep', 'POST']);
  proof(world, /POST \/api\/orders 201/.test(out), "the API's own line for that order is in the logs");
}

async function stop(world: World): Promise<void> {
  await must(world, ['devenv', 'stop']);
  const left = processesOf(world);
  proof(world, left.length === 0, `no process is left${left.length ? `: ${left.join('; ')}` : ''}`);
  const after = await status(world);
  proof(world, !after.running, 'no session is left');
}

/** Every process that still carries the project's mark in its environment (Linux). */
export function processesOf(world: World): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      try {
        const marked = readFileSync(`/proc/${pid}/environ`, 'latin1')
          .split('\0')
          .includes(`DEVENV_ROOT=${world.project}`);
        return marked
          ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`]
          : [];
      } catch {
        return []; // gone, or another user's
      }
    });
}

export const demoSteps: readonly Step[] = [
  { title: 'The shop, in a new git repository', run: copyShop },
  { title: 'Start: one tmux session, all services healthy', run: start },
  { title: 'The first checkpoint comes by itself', run: firstCheckpoint },
  { title: 'Edit: tests run, the timer tags', run: edit },
  { title: 'Break it: red, and reset', run: breakIt },
  { title: 'Undo: nothing was lost', run: undoIt },
  { title: 'Rollback by hand', run: rollBack },
  { title: 'End to end, in a real browser', run: endToEnd },
  { title: 'Logs', run: logs },
  { title: 'Stop', ends: true, run: stop },
];
