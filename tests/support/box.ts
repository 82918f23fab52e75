import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { hasMark, listProcesses, packageRoot, run, self, sendSignal } from '../../src/base/index.ts';
import { startDelayProxy, type DelayProxy } from './delay-proxy.ts';
import { tempDir, testEnv } from './temp.ts';
import { until } from './until.ts';

/** A remote box for a test: a real OpenSSH server with a home of its own. */
export interface Box {
  /** Its name for ssh and devenv. */
  readonly host: string;
  /** The environment of the machine at home: its ssh knows the box, its directories are its own. */
  readonly env: NodeJS.ProcessEnv;
  /** The home directory on the box. */
  readonly home: string;
  /** The folder of files the server was made from: its keys, its configuration, its log. */
  readonly dir: string;
  /** What the server logged so far. */
  readonly log: () => string;
  /** How many commands were run there, by the server's own log. */
  readonly execs: () => number;
  /** The client's ssh configuration. */
  readonly sshConfig: string;
  /** Between the two sides, where the box listens on a port. */
  readonly proxy: DelayProxy | undefined;
  readonly port: number | undefined;
  /** Runs a program on the box without ssh, in its environment. */
  readonly there: (argv: readonly string[], cwd?: string) => ReturnType<typeof run>;
  readonly end: () => Promise<void>;
}

export interface BoxOptions {
  /** Commands that are missing there. */
  readonly without?: readonly string[];
  /** Further variables of every session there. */
  readonly vars?: Readonly<Record<string, string>>;
  /** A port behind a proxy that can delay, freeze and cut; without it the server runs on a pipe. */
  readonly port?: boolean;
  /** One way, in ms. */
  readonly delayMs?: number;
  /** The server sees a crontab spool of its own (a mount namespace): nobody's crontab is touched. With `port`. */
  readonly ownCron?: boolean;
  /** The server listens in this network namespace, at this address. */
  readonly netns?: { readonly name: string; readonly address: string };
  /** Further lines of the server's configuration, before anything else. */
  readonly server?: readonly string[];
  /** Further lines of the client's configuration for this host. */
  readonly client?: readonly string[];
  /** Runs the remote command: a login shell other than sh. */
  readonly forceCommand?: string;
}

/** Makes a box; `end` leaves nothing of it. Needs /usr/sbin/sshd (package openssh-server). */
export async function makeBox(options: BoxOptions = {}): Promise<Box> {
  const id = randomBytes(4).toString('hex');
  const dir = tempDir('box');
  const home = path.join(dir, 'home');
  const runtime = tempDir('run');
  for (const folder of [home, path.join(dir, 'bin'), path.join(dir, 'tmux')]) mkdirSync(folder);
  chmodSync(runtime, 0o700);
  // sshd as root insists on its privilege separation directory.
  if (self.uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  for (const key of ['host', 'id'])
    await sure(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', path.join(dir, key)]);
  writeFileSync(path.join(dir, 'authorized_keys'), readFileSync(path.join(dir, 'id.pub')));
  const vars = {
    HOME: home,
    PATH: options.without ? farm(path.join(dir, 'bin'), options.without) : '/usr/local/bin:/usr/bin:/bin',
    TMUX_TMPDIR: path.join(dir, 'tmux'),
    SHELL: options.without ? plainLogin(dir) : '/bin/sh',
    LANG: 'C.UTF-8',
    DEVENV_TEST_ID: id,
    ...options.vars,
  };
  const server = path.join(dir, 'sshd_config');
  writeFileSync(server, serverConfig(dir, vars, options));
  const log = path.join(dir, 'sshd.log');
  writeFileSync(log, '');
  const listening = options.port ? await listen(server, log, options) : undefined;
  const inside = options.netns ? await listenInside(server, log, options.netns) : undefined;
  const host = `box-${id}`;
  const known = readFileSync(path.join(dir, 'host.pub'), 'utf8');
  writeFileSync(path.join(dir, 'known_hosts'), `${host} ${known}`);
  const sshConfig = path.join(dir, 'ssh_config');
  writeFileSync(sshConfig, clientConfig(dir, host, listening?.proxy.port ?? inside?.port, options));
  const env = testEnv({ DEVENV_SSH_CONFIG: sshConfig, XDG_RUNTIME_DIR: runtime, DEVENV_TEST_ID: id });
  const logText = (): string => readFileSync(log, 'utf8');
  return {
    host,
    env,
    home,
    dir,
    sshConfig,
    proxy: listening?.proxy,
    port: listening?.port,
    log: logText,
    execs: () => logText().match(/Starting session: /g)?.length ?? 0,
    there: (argv, cwd = home) =>
      run(
        options.ownCron
          ? ['nsenter', '-t', String(listening?.pid), '-m', `--wdns=${cwd}`, '--', ...argv]
          : argv,
        { cwd, env: vars },
      ),
    end: async () => {
      for (const name of existsSync(path.join(runtime, 'devenv'))
        ? readdirSync(path.join(runtime, 'devenv'))
        : [])
        if (/^[0-9a-f]+$/.test(name))
          await run([
            'ssh',
            '-F',
            sshConfig,
            '-o',
            `ControlPath=${path.join(runtime, 'devenv', name)}`,
            '-O',
            'exit',
            host,
          ]);
      await run(['tmux', 'kill-server'], { env: vars });
      await listening?.proxy.close();
      for (const one of [listening, inside]) if (one) sendSignal(one.pid, 'SIGKILL');
      for (const p of await listProcesses())
        if (hasMark(p.pid, `DEVENV_TEST_ID=${id}`)) sendSignal(p.pid, 'SIGKILL');
      // Sessions of sshd without a mark, whose link was cut so that they never hear of its end.
      if (options.netns)
        for (const pid of (await run(['ip', 'netns', 'pids', options.netns.name])).stdout.split('\n'))
          if (pid !== '') sendSignal(Number(pid), 'SIGKILL');
    },
  };
}

function serverConfig(dir: string, vars: Readonly<Record<string, string>>, options: BoxOptions): string {
  return [
    ...(options.server ?? []),
    `HostKey ${dir}/host`,
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PidFile none',
    'PrintMotd no',
    'PermitUserRC no',
    'UseDNS no',
    'MaxStartups 100',
    'LogLevel VERBOSE',
    'KexAlgorithms curve25519-sha256',
    'Subsystem sftp internal-sftp',
    ...(options.forceCommand ? [`ForceCommand ${options.forceCommand}`] : []),
    // A second SetEnv line would be ignored.
    `SetEnv ${Object.entries(vars)
      .map(([name, value]) => (/[\s"]/.test(value) ? `"${name}=${value}"` : `${name}=${value}`))
      .join(' ')}`,
    '',
  ].join('\n');
}

function clientConfig(dir: string, host: string, port: number | undefined, options: BoxOptions): string {
  return [
    `Host ${host}`,
    ...(options.client ?? []),
    ...(port === undefined
      ? [`ProxyCommand /usr/sbin/sshd -i -f ${dir}/sshd_config -E ${dir}/sshd.log`, 'HostName localhost']
      : [`HostName ${options.netns?.address ?? '127.0.0.1'}`, `Port ${port}`]),
    `HostKeyAlias ${host}`,
    'User root',
    `IdentityFile ${dir}/id`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${dir}/known_hosts`,
    'GlobalKnownHostsFile /dev/null',
    '',
  ]
    .join('\n')
    .replace('User root', `User ${process.env['USER'] ?? (self.uid === 0 ? 'root' : String(self.uid))}`);
}

/** Puts this build of devenv on a box by hand, to be run with this machine's Node. Returns its folder there. */
export function installDevenv(box: Box): string {
  const root = packageRoot();
  const build = readFileSync(path.join(root, 'dist/build-id'), 'utf8').trim();
  const dir = path.join(box.home, '.local/share/devenv', build);
  mkdirSync(dir, { recursive: true });
  for (const name of ['bin', 'dist', 'layouts', 'package.json'])
    cpSync(path.join(root, name), path.join(dir, name), { recursive: true });
  writeFileSync(path.join(dir, '.ok'), `${self.execPath}\n`);
  return dir;
}

/** A folder with every command of this machine but some: what is missing on the box. */
function farm(dir: string, without: readonly string[]): string {
  for (const from of ['/usr/local/bin', '/usr/bin', '/bin'])
    for (const name of existsSync(from) ? readdirSync(from) : [])
      if (!without.includes(name) && !existsSync(path.join(dir, name)))
        try {
          symlinkSync(path.join(from, name), path.join(dir, name));
        } catch {
          // A dangling link of the same name: it is there already.
        }
  return dir;
}

/** A login shell that does not read /etc/profile, which sets a PATH where nothing is missing. */
function plainLogin(dir: string): string {
  const file = path.join(dir, 'login-sh');
  writeFileSync(file, '#!/bin/sh\ncase $1 in -l*) shift; set -- -c "$@" ;; esac\nexec /bin/sh "$@"\n', {
    mode: 0o755,
  });
  return file;
}

const ownSpool =
  'mount -t tmpfs t /var/spool/cron && mkdir -m 1730 /var/spool/cron/crontabs && chgrp crontab /var/spool/cron/crontabs && exec "$@"';

async function listen(
  config: string,
  log: string,
  options: BoxOptions,
): Promise<{ readonly port: number; readonly pid: number; readonly proxy: DelayProxy }> {
  const inside = options.ownCron ? ['unshare', '--mount', 'sh', '-c', ownSpool, 'sh'] : [];
  for (let tries = 0; tries < 5; tries++) {
    // Below the range that outgoing connections take their ports from.
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const at = ['-p', String(port), '-o', 'ListenAddress=127.0.0.1', '-o', `PidFile=${config}.pid`];
    const from = readFileSync(log, 'utf8').length;
    const started = await run([...inside, '/usr/sbin/sshd', '-f', config, '-E', log, ...at]);
    if (!started.ok) continue;
    // It goes into the background first and binds its port then.
    const found = await until('sshd writes its pid, or why not', () =>
      existsSync(`${config}.pid`)
        ? readFileSync(`${config}.pid`, 'utf8').trim()
        : /Cannot bind/.exec(readFileSync(log, 'utf8').slice(from))?.[0],
    );
    if (found !== 'Cannot bind')
      return { port, pid: Number(found), proxy: await startDelayProxy(port, options.delayMs ?? 0) };
  }
  throw new Error(`sshd would not listen: ${readFileSync(log, 'utf8')}`);
}

async function listenInside(
  config: string,
  log: string,
  netns: NonNullable<BoxOptions['netns']>,
): Promise<{ readonly port: number; readonly pid: number }> {
  const port = 2222;
  await sure([
    'ip',
    'netns',
    'exec',
    netns.name,
    '/usr/sbin/sshd',
    '-f',
    config,
    '-E',
    log,
    '-p',
    String(port),
    '-o',
    `ListenAddress=${netns.address}`,
    '-o',
    `PidFile=${config}.pid`,
  ]);
  const pid = Number(
    await until(
      'sshd writes its pid',
      () => existsSync(`${config}.pid`) && readFileSync(`${config}.pid`, 'utf8'),
    ),
  );
  return { port, pid };
}

async function sure(argv: readonly string[]): Promise<void> {
  const result = await run(argv);
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
}
