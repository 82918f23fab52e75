/** Every kind of error devenv reports, with the exit status it ends the program with. */
export const exitCodes = {
  /** The thing itself failed: tests red, a gate failed, a service not ready. */
  failed: 1,
  'not-ready': 1,
  /** A defect of devenv's own. */
  internal: 1,
  usage: 2,
  config: 2,
  'no-tmux': 3,
  'old-tmux': 3,
  'old-node': 3,
  'no-git': 3,
  'no-repo': 3,
  'port-taken': 3,
  'disk-full': 3,
  'state-dir': 3,
  environment: 3,
  'no-session': 3,
  /** Remote boxes: not reached, not let in, not the box we know, no answer, not able. */
  unreachable: 3,
  auth: 3,
  'hostkey-unknown': 3,
  'hostkey-changed': 3,
  timeout: 3,
  'missing-tool': 3,
  noexec: 3,
  unsupported: 3,
  version: 3,
  /** The link broke while something ran there: it may have come to its end. */
  lost: 3,
  'unknown-window': 4,
  'unknown-suite': 4,
  'unknown-tag': 4,
  'unknown-path': 4,
  'unknown-layout': 4,
  'unknown-host': 4,
  refused: 5,
  interrupted: 130,
} as const;

export type ErrorCode = keyof typeof exitCodes;

/**
 * The one error that is meant for the user. `message` says what is wrong and where, in one line;
 * `hint` says what to do. Anything else that is thrown is a bug and is reported as one.
 */
export class DevenvError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DevenvError';
    this.code = code;
    this.hint = hint;
  }
}

/** The text of anything that was thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`, `EADDRINUSE`, ...), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
