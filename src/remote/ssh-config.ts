import { globSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import SSHConfig from 'ssh-config';
import { DevenvError, errnoOf, findHome, messageOf } from '../base/index.ts';
import type { Destination } from './destination.ts';
import { matchesPatterns } from './known-hosts.ts';
import type { SshOptions } from './ssh-options.ts';
import { beyondNodeSsh } from './ssh-settings.ts';
import type { Target } from './types.ts';

type Line = SSHConfig[number];
type Value = Extract<Line, { param: string }>['value'];

interface Directive {
  /** In lower case. */
  readonly name: string;
  readonly words: readonly string[];
}

/** Files that include each other deeper than this lead in a circle; OpenSSH has the same limit. */
const deepest = 16;

/** Options whose values add up; of all others the first counts. */
const adding = ['identityfile', 'certificatefile', 'sendenv', 'setenv'];

/** Options of several words that are a list of their own. */
const listing = ['userknownhostsfile', 'globalknownhostsfile', 'sendenv', 'setenv'];

/**
 * Reads the files of an ssh client that is not there, as far as that can be done exactly: Host, Match by host,
 * originalhost, user, localuser and all, Include outside of sections. Anything else that would change what counts
 * is refused. Throws `config` for a file that cannot be read.
 */
export function readSshConfig(to: Destination, target: Target, env: NodeJS.ProcessEnv): SshOptions {
  const options = new Map<string, readonly string[]>();
  if (to.user !== undefined) options.set('user', [to.user]);
  if (to.port !== undefined) options.set('port', [String(to.port)]);
  const state: Reading = { options, to, target, env };
  const home = path.join(findHome(env) ?? '/', '.ssh');
  const given = env['DEVENV_SSH_CONFIG'];
  if (given) readInto(state, given, { required: true, dir: home, depth: 0 });
  else {
    readInto(state, path.join(home, 'config'), { required: false, dir: home, depth: 0, own: true });
    readInto(state, '/etc/ssh/ssh_config', { required: false, dir: '/etc/ssh', depth: 0 });
  }
  return withDefaults(state, home);
}

interface Reading {
  readonly options: Map<string, readonly string[]>;
  readonly to: Destination;
  readonly target: Target;
  readonly env: NodeJS.ProcessEnv;
}

interface Place {
  readonly required: boolean;
  /** Where relative names of Include are looked for. */
  readonly dir: string;
  readonly depth: number;
  /** The user's own file, which nobody else may write. */
  readonly own?: boolean;
}

function readInto(state: Reading, file: string, place: Place): void {
  const text = readText(state, file, place);
  if (text === undefined) return;
  let lines: SSHConfig;
  try {
    lines = SSHConfig.parse(text);
  } catch (error) {
    const why = error instanceof TypeError ? 'a line has no value' : messageOf(error);
    throw wrong(state, `${file} cannot be read: ${why}`);
  }
  for (const line of lines) {
    if (!('param' in line)) continue;
    const directive = directiveOf(state, line, file);
    if (directive.name === 'include') include(state, directive, place);
    else if (!('config' in line)) set(state, directive);
    else if (sectionCounts(state, directive))
      for (const own of line.config) if ('param' in own) set(state, directiveOf(state, own, file));
  }
}

/** The parser takes the next line for the value where there is none. */
function directiveOf(state: Reading, line: Extract<Line, { param: string }>, file: string): Directive {
  const words = wordsOf(line.value);
  if (/[\r\n]/.test(`${line.param}${line.separator}`) || words.join('') === '')
    throw wrong(state, `${file}: ${line.param.split(/\s/)[0]} has no value`);
  return { name: line.param.toLowerCase(), words };
}

function readText(state: Reading, file: string, { required, depth, own }: Place): string | undefined {
  if (depth > deepest) throw wrong(state, `${file} is included too deep: do files include each other?`);
  try {
    const text = readFileSync(file, 'utf8');
    // As OpenSSH: whoever may write this file decides where the connection goes.
    if (own && (statSync(file).mode & 0o022) !== 0) throw wrong(state, `${file} can be written by others`);
    return text;
  } catch (error) {
    if (error instanceof DevenvError) throw error;
    if (!required && errnoOf(error) === 'ENOENT') return undefined;
    throw wrong(state, `cannot read ${file}: ${messageOf(error)}`);
  }
}

function include(state: Reading, { words }: Directive, place: Place): void {
  const home = findHome(state.env) ?? '/';
  for (const word of words) {
    if (/[%$]/.test(word)) throw beyond(state, `Include ${word}`);
    const pattern = path.resolve(place.dir, word.replace(/^~(?=\/)/, home));
    for (const file of globSync(pattern).toSorted())
      readInto(state, file, { ...place, required: false, depth: place.depth + 1 });
  }
}

function set(state: Reading, { name, words }: Directive): void {
  if (name === 'include') throw beyond(state, `an Include inside of a section (${words.join(' ')})`);
  if (name === 'canonicalizehostname' && !/^no$/i.test(words[0] ?? ''))
    throw beyond(state, 'CanonicalizeHostname');
  // Of these two the first keeps the other from counting.
  if (name === 'proxycommand' && state.options.has('proxyjump')) return;
  if (name === 'proxyjump' && state.options.has('proxycommand')) return;
  const values = listing.includes(name) ? words.flatMap(separate) : [words.join(' ')];
  const before = state.options.get(name);
  if (before === undefined) state.options.set(name, values);
  else if (adding.includes(name)) state.options.set(name, [...before, ...values]);
}

/** The variables of a SetEnv, which is not taken apart by then; one with spaces in its value stands alone. */
function separate(word: string): readonly string[] {
  const parts = word.split(/\s+/);
  return parts.every((part) => part.includes('=')) ? parts : [word];
}

/** Whether what stands below a Host or Match line is about this destination. */
function sectionCounts(state: Reading, { name, words }: Directive): boolean {
  if (name === 'host') return matchesPatterns(words, state.to.host);
  for (let i = 0; i < words.length; i += 2) {
    const criterion = words[i]?.toLowerCase() ?? '';
    if (criterion === 'all') return words.length === 1;
    const subject = matchSubject(state, criterion);
    if (subject === undefined) throw beyond(state, `Match ${words.join(' ')}`);
    if (!matchesPatterns((words[i + 1] ?? '').split(','), subject)) return false;
  }
  return true;
}

function matchSubject(state: Reading, criterion: string): string | undefined {
  const local = userInfo().username;
  switch (criterion) {
    case 'host':
      return hostName(state);
    case 'originalhost':
      return state.to.host;
    case 'user':
      return state.options.get('user')?.[0] ?? local;
    case 'localuser':
      return local;
    default:
      return undefined;
  }
}

const hostName = ({ options, to }: Reading): string =>
  (options.get('hostname')?.[0] ?? to.host).replaceAll('%h', to.host).replaceAll('%%', '%');

function withDefaults(state: Reading, home: string): SshOptions {
  const keys = ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk'];
  const defaults: Readonly<Record<string, readonly string[]>> = {
    identityfile: keys.map((name) => path.join(home, name)),
    userknownhostsfile: ['known_hosts', 'known_hosts2'].map((name) => path.join(home, name)),
    globalknownhostsfile: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
  };
  return new Map([...Object.entries(defaults), ...state.options, ['hostname', [hostName(state)]]]);
}

function wordsOf(value: Value): readonly string[] {
  return typeof value === 'string' ? [value] : value.map(({ val }) => val);
}

const beyond = (state: Reading, what: string): DevenvError =>
  beyondNodeSsh(state.target.name, `the ssh configuration has ${what}`);

const wrong = (state: Reading, why: string): DevenvError =>
  new DevenvError(
    'config',
    `${state.target.name}: ${why}`,
    'mend that file; DEVENV_SSH_CONFIG names another one',
  );
