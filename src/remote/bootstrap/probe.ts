/** A node that runs on the box. */
export interface FoundNode {
  readonly version: string;
  readonly arch: string;
  /** Absolute; needs no shell setup. */
  readonly path: string;
}

/** What the box is, as its probe told it. */
export interface Probe {
  /** As Node names it: linux, darwin, ... */
  readonly os: string;
  /** As Node names it: x64, arm64, ... */
  readonly arch: string;
  readonly libc: 'glibc' | 'musl' | 'other';
  readonly glibcVersion: string | undefined;
  readonly release: { readonly id: string; readonly like: readonly string[]; readonly name: string };
  readonly home: string;
  /** The folder of everything that devenv keeps there. */
  readonly data: string;
  /** The nearest folder above `data` that exists. */
  readonly where: string;
  readonly mount: string;
  readonly freeKb: number | undefined;
  /** undefined where the file system does not count them. */
  readonly freeInodes: number | undefined;
  /** Why nothing can be written there; undefined when it can. */
  readonly unwritable: string | undefined;
  /** Why nothing can be executed there; undefined when it can. */
  readonly noexec: string | undefined;
  readonly shell: string;
  /** PATH of the login shell, where it told it. */
  readonly path: string | undefined;
  readonly tools: Readonly<Record<string, string>>;
  readonly tmuxVersion: string | undefined;
  readonly gitVersion: string | undefined;
  readonly nodes: readonly FoundNode[];
  /** Those that do not run: path and what they said. */
  readonly badNodes: readonly string[];
  /** The node of the build that was asked for, when that is installed. */
  readonly ready: string | undefined;
  readonly current: string | undefined;
  readonly builds: readonly string[];
  readonly linger: boolean | undefined;
  readonly killsUserProcesses: boolean;
  /** `yes`, or what crontab said; undefined where there is none. */
  readonly crontab: string | undefined;
  readonly locale: string;
  readonly utf8: string | undefined;
  readonly terminfo: boolean | undefined;
  readonly zone: string;
  /** Seconds since 1970. */
  readonly clock: number | undefined;
}

type Facts = ReadonlyMap<string, readonly string[]>;

const operatingSystems: Readonly<Record<string, string>> = { Linux: 'linux', Darwin: 'darwin' };
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  amd64: 'x64',
  aarch64: 'arm64',
  arm64: 'arm64',
  armv7l: 'armv7l',
};

/** Reads what `probeScript` printed. Lines it does not know are passed over; what is missing is undefined. */
export function parseProbe(stdout: string): Probe {
  const facts = readFacts(stdout);
  const one = (key: string): string | undefined => facts.get(key)?.[0] || undefined;
  const number = (key: string): number | undefined => {
    const text = one(key);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const exec = one('exec');
  const os = one('os') ?? '';
  const arch = one('arch') ?? '';
  const inodes = number('inodes') ?? 0;
  return {
    os: operatingSystems[os] ?? os.toLowerCase(),
    arch: architectures[arch] ?? arch,
    libc: one('glibc') ? 'glibc' : one('musl') ? 'musl' : 'other',
    glibcVersion: one('glibc')?.replace(/^glibc /, ''),
    release: readRelease(one),
    home: one('home') ?? '',
    data: one('data') ?? '',
    where: one('where') ?? '/',
    mount: one('mount') ?? one('where') ?? '/',
    freeKb: number('free_kb'),
    freeInodes: inodes > 0 ? number('free_inodes') : undefined,
    unwritable: one('unwritable'),
    noexec: exec === undefined || exec === 'runs' ? undefined : exec,
    shell: one('shell') ?? '',
    path: one('path'),
    tools: readTools(one),
    tmuxVersion: one('tmux_version'),
    gitVersion: one('git_version'),
    nodes: (facts.get('node') ?? []).flatMap(readNode),
    badNodes: facts.get('bad_node') ?? [],
    ready: one('ready'),
    current: one('current'),
    builds: facts.get('build') ?? [],
    linger: one('linger') === undefined ? undefined : one('linger') === 'yes',
    killsUserProcesses: one('kill_user') === 'yes',
    crontab: one('crontab'),
    locale: one('locale') ?? '',
    utf8: one('utf8'),
    terminfo: one('terminfo') === undefined ? undefined : one('terminfo') === 'yes',
    zone: one('zone') ?? '',
    clock: number('clock'),
  };
}

function readFacts(stdout: string): Facts {
  const facts = new Map<string, string[]>();
  for (const line of stdout.split('\n')) {
    const [, key = '', value = ''] = /^([a-z][a-z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (key === '') continue;
    const known = facts.get(key);
    if (known) known.push(value);
    else facts.set(key, [value]);
  }
  return facts;
}

type One = (key: string) => string | undefined;

function readRelease(one: One): Probe['release'] {
  const bare = (key: string): string => (one(key) ?? '').replace(/^(["'])(.*)\1$/, '$2');
  return {
    id: bare('release_id'),
    like: bare('release_like').split(' ').filter(Boolean),
    name: bare('release_name'),
  };
}

const toolNames = ['tmux', 'git', 'gzip', 'sha256sum', 'shasum', 'openssl', 'systemctl', 'loginctl'] as const;

function readTools(one: One): Probe['tools'] {
  return Object.fromEntries(
    toolNames.flatMap((name) => {
      const path = one(name);
      return path === undefined ? [] : [[name, path] as const];
    }),
  );
}

function readNode(told: string): readonly FoundNode[] {
  const [, version = '', arch = '', path = ''] = /^(\d+\.\d+\.\d+\S*) (\S+) (\/.*)$/.exec(told) ?? [];
  return version === '' ? [] : [{ version, arch, path }];
}
