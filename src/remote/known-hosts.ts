import { createHash, createHmac } from 'node:crypto';

/** One usable line of a known_hosts file. */
export interface KnownKey {
  readonly file: string;
  readonly line: number;
  /** Host names as they stand there: patterns with commas, or one hashed name. */
  readonly hosts: string;
  readonly mark: 'revoked' | 'cert-authority' | undefined;
  readonly type: string;
  readonly key: Buffer;
}

/** Reads a known_hosts file; lines that OpenSSH would not understand are left out, as it does. */
export function readKnownHosts(text: string, file: string): readonly KnownKey[] {
  return text.split('\n').flatMap((line, index) => {
    const fields = line.trim().split(/[ \t]+/);
    const mark = fields[0]?.startsWith('@') ? fields.shift() : undefined;
    if (mark !== undefined && mark !== '@revoked' && mark !== '@cert-authority') return [];
    const [hosts = '', type = '', encoded = ''] = fields;
    if (hosts === '' || hosts.startsWith('#')) return [];
    const key = Buffer.from(encoded, 'base64');
    if (type === '' || keyTypeOf(key) !== type) return [];
    const meaning = mark === undefined ? undefined : mark === '@revoked' ? 'revoked' : 'cert-authority';
    return [{ file, line: index + 1, hosts, mark: meaning, type, key }];
  });
}

/** Whether a line of known_hosts is about `name` (`box`, `[box]:2222`). */
export function isAbout(hosts: string, name: string): boolean {
  const wanted = name.toLowerCase();
  if (hosts.startsWith('|')) return isHashOf(hosts, wanted);
  return matchesPatterns(hosts.toLowerCase().split(','), wanted);
}

/**
 * Whether a text fits a list of OpenSSH's patterns: `*` any characters, `?` one, `!` excludes what fits, whatever
 * else fits as well.
 */
export function matchesPatterns(patterns: readonly string[], text: string): boolean {
  let fits = false;
  for (const pattern of patterns) {
    const excludes = pattern.startsWith('!');
    if (!matchesGlob(excludes ? pattern.slice(1) : pattern, text)) continue;
    if (excludes) return false;
    fits = true;
  }
  return fits;
}

function matchesGlob(pattern: string, text: string): boolean {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (char) =>
    char === '*' ? '.*' : char === '?' ? '.' : `\\${char}`,
  );
  return new RegExp(`^${source}$`, 's').test(text);
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, as `ssh-keygen -H` writes it. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split('|');
  if (version !== '1' || !salt || !hash) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** A name as it is written to known_hosts when HashKnownHosts asks for it. */
export function hashName(name: string, salt: Buffer): string {
  const hash = createHmac('sha1', salt).update(name.toLowerCase()).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

/** The name under which a box stands in known_hosts. */
export function knownName(host: string, port: number): string {
  return (port === 22 ? host : `[${host}]:${port}`).toLowerCase();
}

/** The type that a public key in SSH's wire form names (`ssh-ed25519`), or '' when it is none. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? '' : key.toString('latin1', 4, 4 + length);
}

/** `SHA256:...`, as ssh and ssh-keygen -l show it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** What known_hosts says of the key that a box shows. */
export type KeyVerdict =
  | { readonly kind: 'known' | 'unknown' }
  | { readonly kind: 'revoked' | 'changed'; readonly by: KnownKey };

/**
 * Judges a shown key by the lines about the box. A key of another type than the known ones counts as changed too:
 * the known types are asked for first, so a box that still had one would have shown it.
 */
export function judgeKey(shown: Buffer, about: readonly KnownKey[]): KeyVerdict {
  const revoked = about.find((line) => line.mark === 'revoked' && line.key.equals(shown));
  if (revoked) return { kind: 'revoked', by: revoked };
  const plain = about.filter((line) => line.mark === undefined);
  if (plain.some((line) => line.key.equals(shown))) return { kind: 'known' };
  const type = keyTypeOf(shown);
  const other = plain.find((line) => line.type === type) ?? plain[0];
  return other ? { kind: 'changed', by: other } : { kind: 'unknown' };
}
