import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';
import { matchesPatterns } from './known-hosts.ts';
import type { SshSettings } from './ssh-settings.ts';

/** Host keys ssh2 can verify, without the SHA-1 signatures that OpenSSH refuses as well. */
const hostKeys: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** Some of ssh2's default list: those that fit are left out. */
interface Without {
  readonly remove: readonly RegExp[];
}

/**
 * What may be agreed on with a box: what ssh2 can do, less what the ssh configuration leaves out. Types of host
 * keys that are known come first, or a box with several would seem to be another one.
 */
export function chooseAlgorithms(
  wanted: SshSettings['algorithms'],
  knownTypes: readonly string[],
): Algorithms {
  const isKnown = (algorithm: string): boolean =>
    knownTypes.includes(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm);
  const allowed = hostKeys.filter((algorithm) => allows(wanted.serverHostKey, algorithm));
  const chosen = {
    serverHostKey: [...allowed.filter(isKnown), ...allowed.filter((algorithm) => !isKnown(algorithm))],
    kex: without(wanted.kex),
    cipher: without(wanted.cipher),
    hmac: without(wanted.hmac),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types do not know that ssh2 takes expressions
  return chosen as unknown as Algorithms;
}

function allows(list: string | undefined, algorithm: string): boolean {
  const { sign, names } = readList(list);
  if (sign === '-') return !matchesPatterns(names, algorithm);
  return sign !== '' || list === undefined || names.includes(algorithm);
}

function without(list: string | undefined): Without {
  const { sign, names } = readList(list);
  if (list === undefined || sign === '+' || sign === '^') return { remove: [] };
  const forms = names.map((name) => name.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&'));
  if (sign === '') return { remove: [new RegExp(`^(?!(?:${forms.join('|')})$)`)] };
  return {
    remove: forms.map((form) => new RegExp(`^${form.replaceAll('*', '.*').replaceAll('?', '.')}$`)),
  };
}

/** A list as ssh_config(5) has it: whole, or what is added (+), left out (-) or put first (^). */
function readList(list = ''): { readonly sign: string; readonly names: readonly string[] } {
  const sign = /^[+^-]/.exec(list)?.[0] ?? '';
  return { sign, names: list.slice(sign.length).split(',') };
}
