import { randomId } from '../base/index.ts';

/** A script made ready for any login shell, and the word that marks its output. */
export interface Framed {
  /** The remote command: one word to sh in single quotes, whatever the login shell is. */
  readonly command: string;
  readonly nonce: string;
}

/** A value as one word of POSIX sh. */
export function shellWord(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/**
 * Wraps a script so that dash, bash, zsh, fish and tcsh logins hand it to sh unharmed, and so that what a noisy rc
 * file prints can be told from its output: only what stands between BEGIN and END is its own, and without END
 * nothing is known of how it ended (an ssh client's status 255 says too many different things).
 */
export function frame(script: string, vars: Readonly<Record<string, string>> = {}): Framed {
  const nonce = `devenv-${randomId(8)}`;
  const whole = [
    `printf '\\n%s BEGIN\\n' ${nonce}; printf '\\n%s BEGIN\\n' ${nonce} >&2\n`,
    `${opening}(\n${assign(vars)}${script}\n)\n`,
    `devenv_code=$?; printf '%s END %s\\n' ${nonce} "$devenv_code"\n`,
    `printf '%s END %s\\n' ${nonce} "$devenv_code" >&2; exit "$devenv_code"\n`,
  ].join('');
  return { command: oneWord(whole), nonce };
}

/** As `frame`, without the marks: for a script that has a terminal, where people would see them. */
export function frameless(script: string, vars: Readonly<Record<string, string>> = {}): string {
  // No shell around it: that one would get the terminal's Ctrl-C, too.
  return oneWord(`${opening}${assign(vars)}${script}\n`);
}

/** sshd's own start directory is not always the home. */
const opening = 'devenv_umask=$(umask); umask 077; cd "$HOME" 2>/dev/null || cd /\n';

const assign = (vars: Readonly<Record<string, string>>): string =>
  Object.entries(vars)
    .map(([name, value]) => `${name}=${shellWord(value)}\n`)
    .join('');

const oneWord = (script: string): string => `/bin/sh -c 'eval "$(printf %b "${escaped(script)}")"'`;

/**
 * What some login shell reads its own way inside single quotes (csh: `!` and newlines; fish: `\\` and `\'`), and sh
 * inside double ones, in octal for `printf %b`: sh does that by itself, and needs no other program.
 */
const escaped = (script: string): string =>
  Buffer.from(script)
    .toString('latin1')
    .replaceAll(/[^ #%&()*+,./0-9:;<=>?@A-Z[\]^_a-z{|}~-]/g, (char) =>
      char === '\n' ? '\\n' : `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`,
    );

/** Tells a script's own output from everything around it, piece by piece. */
export interface Unframer {
  /** Takes what came; returns what of it is the script's own and complete. */
  push(chunk: Buffer): Buffer;
  /** What was held back because an END might have begun in it; nothing more will come. */
  rest(): Buffer;
  readonly began: () => boolean;
  /** The status that END told. */
  readonly code: () => number | undefined;
  /** What came before BEGIN: noise of rc files, or what the ssh client complained of (at most 16 kB). */
  readonly before: () => string;
}

const none: Buffer = Buffer.alloc(0);
const noiseLimit = 16 * 1024;

/** Reads one stream of a framed script; both carry an END. */
export function createUnframer(nonce: string): Unframer {
  const begin = Buffer.from(`${nonce} BEGIN\n`);
  const end = Buffer.from(`${nonce} END `);
  let state: 'before' | 'inside' | 'after' = 'before';
  let held: Buffer = none;
  let code: number | undefined;
  let noise = '';

  const readEnd = (): void => {
    const match = /^(\d+)\n/.exec(held.toString('latin1'));
    if (match) code = Number(match[1]);
  };
  const inside = (): Buffer => {
    const at = held.indexOf(end);
    if (at >= 0) {
      const own = held.subarray(0, at);
      held = held.subarray(at + end.length);
      state = 'after';
      readEnd();
      return own;
    }
    const keep = lengthOfBegunEnd(held, end);
    const own = held.subarray(0, held.length - keep);
    held = held.subarray(held.length - keep);
    return own;
  };
  const push = (chunk: Buffer): Buffer => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (state === 'before') {
      const at = held.indexOf(begin);
      if (at < 0) {
        if (held.length > noiseLimit) held = held.subarray(held.length - noiseLimit);
        return none;
      }
      noise = held.subarray(0, at).toString('utf8');
      held = held.subarray(at + begin.length);
      state = 'inside';
    }
    if (state === 'inside') return inside();
    readEnd();
    return none;
  };
  return {
    push,
    rest: () => {
      const own = state === 'inside' ? held : none;
      if (state === 'before') noise = held.toString('utf8');
      held = none;
      return own;
    },
    began: () => state !== 'before',
    code: () => code,
    before: () => (state === 'before' ? held.toString('utf8') || noise : noise),
  };
}

/** How many of the last bytes could be the beginning of `end`. */
function lengthOfBegunEnd(bytes: Buffer, end: Buffer): number {
  for (let length = Math.min(bytes.length, end.length - 1); length > 0; length -= 1)
    if (bytes.subarray(bytes.length - length).equals(end.subarray(0, length))) return length;
  return 0;
}
