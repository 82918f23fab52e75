import { userInfo } from 'node:os';
import { DevenvError, findHome, self } from '../base/index.ts';
import { knownName } from './known-hosts.ts';
import { optionOf, type SshOptions } from './ssh-options.ts';

/** How one machine is reached, with everything decided: what is left is to connect. */
export interface SshSettings {
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  /** Machines on the way, as ProxyJump names them. */
  readonly jumps: readonly string[];
  readonly family: 4 | 6 | undefined;
  readonly bindAddress: string | undefined;
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** The agent's socket. */
  readonly agent: string | undefined;
  /** Ways to be let in that the configuration allows. */
  readonly methods: { readonly publickey: boolean; readonly keyboard: boolean; readonly password: boolean };
  readonly trust: TrustSettings;
  readonly algorithms: {
    readonly [kind in 'kex' | 'cipher' | 'hmac' | 'serverHostKey']: string | undefined;
  };
  /** Variables the configuration sends to the box; sshd takes those of its AcceptEnv. */
  readonly env: Readonly<Record<string, string>>;
}

/** How the box's host key is judged. */
export interface TrustSettings {
  /** The name it stands under in known_hosts. */
  readonly name: string;
  /** A name without port that a known key may stand under as well. */
  readonly otherName: string | undefined;
  readonly userFiles: readonly string[];
  readonly globalFiles: readonly string[];
  /** `yes` never believes a new box, `new` always does. */
  readonly strict: 'yes' | 'ask' | 'new';
  readonly hash: boolean;
}

/** What asks for something that only OpenSSH itself can do. */
const beyond: Readonly<Record<string, string>> = {
  proxycommand: 'ProxyCommand',
  certificatefile: 'CertificateFile',
  pkcs11provider: 'PKCS11Provider',
  knownhostscommand: 'KnownHostsCommand',
  revokedhostkeys: 'RevokedHostKeys',
  bindinterface: 'BindInterface',
};

/** Says that only the ssh client can reach this box, and why. */
export function beyondNodeSsh(name: string, why: string): DevenvError {
  return new DevenvError(
    'unsupported',
    `${name}: ${why}, which devenv's own ssh client cannot do`,
    'use OpenSSH for this host: apt-get install openssh-client, and no transport: node-ssh',
  );
}

/** Reads OpenSSH's options. Throws `unsupported` for what must not be passed over. */
export function toSettings(
  options: SshOptions,
  original: string,
  name: string,
  env: NodeJS.ProcessEnv,
): SshSettings {
  for (const [option, shown] of Object.entries(beyond)) {
    const value = optionOf(options, option);
    if (value !== undefined) throw beyondNodeSsh(name, `its ssh configuration has ${shown} ${value}`);
  }
  const is = (option: string, byDefault: boolean): boolean =>
    /^(yes|true)$/i.test(optionOf(options, option) ?? (byDefault ? 'yes' : 'no'));
  const hostname = optionOf(options, 'hostname') ?? original;
  const port = Number(optionOf(options, 'port') ?? 22);
  const user = optionOf(options, 'user') ?? userInfo().username;
  const alias = optionOf(options, 'hostkeyalias');
  const expand = createExpand({ hostname, original, port, user, alias, name }, env);
  const files = (option: string): readonly string[] => present(options.get(option)).map(expand);
  const family = optionOf(options, 'addressfamily');
  return {
    hostname,
    port,
    user,
    jumps: optionOf(options, 'proxyjump')?.split(',') ?? [],
    family: family === 'inet' ? 4 : family === 'inet6' ? 6 : undefined,
    bindAddress: optionOf(options, 'bindaddress'),
    identityFiles: files('identityfile'),
    identitiesOnly: is('identitiesonly', false),
    agent: agentSocket(options, env, expand),
    methods: {
      publickey: is('pubkeyauthentication', true),
      keyboard: is('kbdinteractiveauthentication', true),
      password: is('passwordauthentication', true),
    },
    trust: {
      name: alias?.toLowerCase() ?? knownName(hostname, port),
      otherName: alias === undefined && port !== 22 ? hostname.toLowerCase() : undefined,
      userFiles: files('userknownhostsfile'),
      globalFiles: files('globalknownhostsfile'),
      strict: strictness(optionOf(options, 'stricthostkeychecking')),
      hash: is('hashknownhosts', false),
    },
    algorithms: {
      kex: optionOf(options, 'kexalgorithms'),
      cipher: optionOf(options, 'ciphers'),
      hmac: optionOf(options, 'macs'),
      serverHostKey: optionOf(options, 'hostkeyalgorithms'),
    },
    env: sentVariables(options, env),
  };
}

const present = (values: readonly string[] = []): readonly string[] =>
  values.filter((value) => value.toLowerCase() !== 'none');

function strictness(value: string | undefined): TrustSettings['strict'] {
  if (value === undefined || value === 'ask') return 'ask';
  // `no` would also believe a changed key, which nothing here does.
  return /^(yes|true)$/i.test(value) ? 'yes' : 'new';
}

function agentSocket(
  options: SshOptions,
  env: NodeJS.ProcessEnv,
  expand: (text: string) => string,
): string | undefined {
  const value = options.get('identityagent')?.[0];
  if (value === undefined || value === 'SSH_AUTH_SOCK') return env['SSH_AUTH_SOCK'] || undefined;
  if (value.toLowerCase() === 'none') return undefined;
  const variable = /^\$(\w+)$/.exec(value)?.[1];
  return (variable === undefined ? expand(value) : env[variable]) || undefined;
}

/** SetEnv, and what of this environment SendEnv names. */
function sentVariables(options: SshOptions, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const words = (name: string): readonly string[] => present(options.get(name));
  const sent = words('sendenv').flatMap((pattern) => {
    const form = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
    return Object.entries(env).filter(([name]) => /^\w+$/.test(name) && form.test(name));
  });
  const set = words('setenv').map((word) => {
    const at = word.indexOf('=');
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  return Object.fromEntries(
    [...sent, ...set].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Fills in `~`, `${VAR}` and the tokens of ssh_config(5), which `ssh -G` leaves in some values. */
function createExpand(
  at: {
    readonly hostname: string;
    readonly original: string;
    readonly port: number;
    readonly user: string;
    readonly alias: string | undefined;
    readonly name: string;
  },
  env: NodeJS.ProcessEnv,
): (text: string) => string {
  const home = findHome(env) ?? '/';
  const tokens: Readonly<Record<string, string>> = {
    '%': '%',
    d: home,
    h: at.hostname,
    i: String(self.uid),
    k: at.alias ?? at.original,
    n: at.original,
    p: String(at.port),
    r: at.user,
    u: userInfo().username,
  };
  return (text) =>
    text
      .replace(/^~(?=\/|$)/, home)
      .replaceAll(/\$\{(\w+)\}/g, (_, variable: string) => env[variable] ?? '')
      .replaceAll(/%(.)/g, (whole, token: string) => {
        const value = tokens[token];
        if (value === undefined)
          throw beyondNodeSsh(at.name, `its ssh configuration has ${whole} in ${text}`);
        return value;
      });
}
