/**
 * Names of variables whose values must not be written down. Plain enough to mean the same in
 * JavaScript and in Perl: the pane loggers use it too.
 */
export const secretName =
  '(?:SECRET|PASSW|PASSPHRASE|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|_KEY$|^KEY$|_PAT$|_AUTH$|_DSN$|COOKIE|SALT$)';

/** Names that look secret and are none: they say where something lies, or are meant to be public. */
export const publicName = '(?:PUBLIC|_(?:FILE|PATH|DIR|SOCK|URL|URI|HOST|PORT)$)';

const shortest = 6;
const dull = /^(?:true|false|enabled|disabled|undefined|default)$/i;

/** Values of an environment that look secret, longest first; lines of a multi-line value one by one. */
export function secretValues(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const isSecret = new RegExp(secretName, 'i');
  const isPublic = new RegExp(publicName, 'i');
  const values = Object.entries(env)
    .filter(([name, value]) => value !== undefined && isSecret.test(name) && !isPublic.test(name))
    .flatMap(([, value]) => (value ?? '').split(/[\r\n]+/))
    .filter((value) => value.length >= shortest && !dull.test(value));
  return [...new Set(values)].sort((a, b) => b.length - a.length);
}

/** A text with each of these values, and the password of any URL, replaced by `***`. */
export function maskSecrets(text: string, values: readonly string[]): string {
  let masked = text;
  for (const value of values) masked = masked.replaceAll(value, '***');
  return masked.replace(/(:\/\/[^\s:/@]*:)[^\s/@]+@/g, '$1***@');
}
