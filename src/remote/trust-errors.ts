import { DevenvError } from '../base/index.ts';

/** The host key that a box showed. */
export interface ShownKey {
  readonly type: string;
  readonly fingerprint: string | undefined;
}

/** The box shows a key that known_hosts marks as revoked. */
export function revokedKey(host: string, key: ShownKey): DevenvError {
  return new DevenvError(
    'hostkey-changed',
    `${host}: its host key is marked as revoked (${key.type} ${key.fingerprint ?? ''}); nothing was sent`,
    'somebody declared that key stolen or retired: do not connect before the owner of the box gave you a new one',
  );
}

/** The box shows another key than the known one, which stands `at` (file:line); `remove` forgets that one. */
export function changedKey(
  host: string,
  key: ShownKey,
  known: { readonly at?: string; readonly remove: string },
): DevenvError {
  const other = known.at === undefined ? '' : `, another one stands in ${known.at}`;
  return new DevenvError(
    'hostkey-changed',
    `${host}: its host key is not the known one: it shows ${key.type} ${key.fingerprint ?? '(unknown)'}${other}; nothing was sent`,
    `somebody may be in between. If the box was set up anew: ${known.remove}; then connect once by hand and compare the fingerprint`,
  );
}

/** The box was never seen before; `accept` is how it can be believed. */
export function unknownKey(host: string, key: ShownKey, accept: string): DevenvError {
  return new DevenvError(
    'hostkey-unknown',
    `${host}: its host key is not known here (${key.type} ${key.fingerprint ?? 'fingerprint not shown'}); nothing was sent`,
    `compare the fingerprint, then: ${accept}`,
  );
}

/** A private key that others can read is not used. */
export function openKeyFile(host: string, file: string): DevenvError {
  return new DevenvError(
    'auth',
    `${host}: the key ${file} can be read by others, so ssh does not use it`,
    `chmod 600 ${file}`,
  );
}

/** What to do about an encrypted key when nobody can be asked. */
export const passphraseHint =
  'the key has a pass phrase and nobody can be asked: ssh-add it to an agent, or run this on a terminal';

/** The box took none of what was offered; `takes` are the methods it would have taken. */
export function notLetIn(host: string, takes: string | undefined, hint: string): DevenvError {
  return new DevenvError('auth', `${host}: not let in${takes ? ` (it takes ${takes})` : ''}`, hint);
}
