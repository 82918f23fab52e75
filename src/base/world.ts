/** Tells the time; passed in, so that pure code and tests own it. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number;
  /** Monotonic milliseconds, for durations. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal is aborted (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** This process, as other processes know it. */
export const self = {
  pid: process.pid,
  execPath: process.execPath,
  platform: process.platform,
  arch: process.arch,
  nodeVersion: process.versions.node,
  uid: process.getuid?.() ?? 0,
};

/** The C library this Node runs with. */
export function libcHere(): 'glibc' | 'musl' | 'other' {
  if (process.platform !== 'linux') return 'other';
  // Else it asks the network for names.
  const report = Object.assign(process.report, { excludeNetwork: true });
  const { header } = report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

/**
 * For a program that stays: new objects get no more room than at the start, so that memory is tidied often instead
 * of growing. It costs a busy program some speed and spares an idle one 20 MB.
 */
export function staySmall(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
}

/** The size of the terminal that shows this program's output; undefined where there is none. */
export function terminalSize(): { readonly columns: number; readonly rows: number } | undefined {
  const { isTTY, columns, rows } = process.stdout;
  return isTTY && columns > 0 && rows > 0 ? { columns, rows } : undefined;
}

// Loaded on first use: it takes a fifth of a Node start-up, and most commands need it for nothing.
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');

/**
 * `bytes` random bytes in hex, for names that must not collide. Not for secrets: it is Math.random (seeded
 * by the system) and the clock, since loading node:crypto takes a fifth of a Node start-up.
 */
export function randomId(bytes = 4): string {
  const byte = (i: number): number => Math.floor(Math.random() * 256) ^ (i === 0 ? process.pid & 255 : 0);
  return Buffer.from(Array.from({ length: bytes }, (_, i) => byte(i))).toString('hex');
}

/** A short, stable id of a text (hex of SHA-256, `length` characters). */
export function shortHash(text: string | Uint8Array, length = 12): string {
  return crypto().createHash('sha256').update(text).digest('hex').slice(0, length);
}

/**
 * A quick, stable id of a text: 14 hex digits that spread well, made without loading node:crypto. For names
 * of files and projects, never against somebody who wants a collision.
 */
export function quickHash(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    a = Math.imul(a ^ char, 2_654_435_761);
    b = Math.imul(b ^ char, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & b) + (a >>> 0)).toString(16).padStart(14, '0');
}

/** This process's own streams: for a question asked in the middle of a command, and for what is not text. */
export function standardStreams(): {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
} {
  return { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };
}
