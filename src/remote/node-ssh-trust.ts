import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, errnoOf, messageOf, shellQuote } from '../base/index.ts';
import type { Ask } from './ask.ts';
import {
  fingerprintOf,
  hashName,
  isAbout,
  judgeKey,
  keyTypeOf,
  readKnownHosts,
  type KnownKey,
} from './known-hosts.ts';
import { beyondNodeSsh, type TrustSettings } from './ssh-settings.ts';
import { changedKey, revokedKey, unknownKey } from './trust-errors.ts';

/** What decides about a host key that was never seen before. */
export interface TrustDeps {
  /** The host as the user named it, for messages. */
  readonly host: string;
  readonly acceptNew: boolean;
  /** Asks a person; undefined where there is none. */
  readonly ask: Ask | undefined;
  readonly note: (line: string) => void;
}

/** What is known of a box before it shows its key. */
export interface Trust {
  /** Types of the known keys, to be asked for first: another type would look like another box. */
  readonly knownTypes: readonly string[];
  /** Whether this key was found good before: the keys of a connection are renewed now and then, its host key stays. */
  readonly isAccepted: (key: Buffer) => boolean;
  /** Resolves when the key may be trusted; throws `hostkey-unknown` or `hostkey-changed`. */
  readonly check: (key: Buffer) => Promise<void>;
  /** Writes an accepted key to known_hosts; to be called when the box has proven that it holds the key. */
  readonly remember: () => void;
}

/** Reads what is known of a box. Throws `unsupported` when only a certificate authority vouches for it. */
export function readTrust(settings: TrustSettings, deps: TrustDeps): Trust {
  const lines = [...settings.userFiles, ...settings.globalFiles].flatMap(linesOf);
  const about = lines.filter((line) => isAbout(line.hosts, settings.name));
  const plain = about.filter((line) => line.mark === undefined);
  const authority = about.find((line) => line.mark === 'cert-authority');
  if (authority && plain.length === 0)
    throw beyondNodeSsh(
      deps.host,
      `a certificate authority vouches for its host key (${authority.file}:${authority.line})`,
    );
  let accepted: Buffer | undefined;
  let isNew = false;
  return {
    knownTypes: Array.from(new Set(plain.map((line) => line.type))),
    isAccepted: (key) => accepted?.equals(key) ?? false,
    check: async (key) => {
      const verdict = judgeKey(key, about);
      const shown = { type: keyTypeOf(key), fingerprint: fingerprintOf(key) };
      if (verdict.kind === 'revoked') throw revokedKey(deps.host, shown);
      if (verdict.kind === 'changed')
        throw changedKey(deps.host, shown, {
          at: `${verdict.by.file}:${verdict.by.line}`,
          remove: removal(settings, verdict.by),
        });
      if (verdict.kind === 'unknown' && !isKnownWithoutPort(settings, lines, key)) {
        await admit(settings, shown, deps);
        isNew = true;
      }
      accepted = key;
    },
    remember: () => {
      if (isNew && accepted) note(settings, accepted, deps);
      isNew = false;
    },
  };
}

function linesOf(file: string): readonly KnownKey[] {
  try {
    return readKnownHosts(readFileSync(file, 'utf8'), file);
  } catch (error) {
    // A file that cannot be read vouches for nobody: the key stays unknown.
    if (errnoOf(error) !== undefined) return [];
    throw error;
  }
}

/** A box at another port than 22 may stand under its bare name as well, as OpenSSH has it. */
const isKnownWithoutPort = ({ otherName }: TrustSettings, lines: readonly KnownKey[], key: Buffer): boolean =>
  otherName !== undefined &&
  judgeKey(
    key,
    lines.filter((line) => isAbout(line.hosts, otherName)),
  ).kind === 'known';

function removal({ name }: TrustSettings, { file }: KnownKey): string {
  return `ssh-keygen -f ${shellQuote(file)} -R ${shellQuote(name)}`;
}

async function admit(
  settings: TrustSettings,
  shown: { readonly type: string; readonly fingerprint: string },
  deps: TrustDeps,
): Promise<void> {
  if (deps.acceptNew || settings.strict === 'new') return;
  if (deps.ask && settings.strict === 'ask') {
    const question = `${deps.host} was never seen before (${settings.name}). It shows the key ${shown.type} ${shown.fingerprint}.\nIs that the right one? Type yes, or the fingerprint: `;
    const answer = (await deps.ask(question))?.trim();
    if (answer?.toLowerCase() === 'yes' || answer === shown.fingerprint) return;
  }
  throw unknownKey(
    deps.host,
    shown,
    settings.strict === 'yes' || deps.ask === undefined
      ? '--accept-new-host-key'
      : 'run it again and answer yes, or --accept-new-host-key',
  );
}

/** Appends the key as OpenSSH does: to the first of the user's files, hashed if the configuration wants that. */
function note(settings: TrustSettings, key: Buffer, deps: TrustDeps): void {
  const file = settings.userFiles[0];
  if (file === undefined) return;
  const name = settings.hash ? hashName(settings.name, randomBytes(20)) : settings.name;
  const line = `${name} ${keyTypeOf(key)} ${key.toString('base64')}\n`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    appendFileSync(file, endsOpen(file) ? `\n${line}` : line, { mode: 0o600 });
  } catch (error) {
    throw new DevenvError(
      'environment',
      `cannot write the host key of ${deps.host} to ${file}: ${messageOf(error)}`,
      'make that file writable, or name another one with UserKnownHostsFile',
      error,
    );
  }
  deps.note(`${deps.host}: its host key ${keyTypeOf(key)} ${fingerprintOf(key)} is noted in ${file}`);
}

/** Whether the last line of a file lacks its end. */
function endsOpen(file: string): boolean {
  try {
    const text = readFileSync(file, 'utf8');
    return text !== '' && !text.endsWith('\n');
  } catch {
    return false;
  }
}
