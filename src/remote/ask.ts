import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { DevenvError, standardStreams } from '../base/index.ts';

export interface AskOptions {
  /** What is typed is not shown. */
  readonly secret?: boolean;
  /** Nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/** Asks a person at the terminal. undefined: no answer (Ctrl-D). Throws `interrupted` on Ctrl-C. */
export type Ask = (question: string, options?: AskOptions) => Promise<string | undefined>;

/** Asks on standard error, so that standard output holds facts alone. One question at a time. */
export function createAsk(): Ask {
  let before: Promise<unknown> = Promise.resolve();
  return (question, options) => {
    const next = before.then(() => askOnce(question, options));
    before = next.catch(() => {});
    return next;
  };
}

function askOnce(question: string, { secret = false, signal }: AskOptions = {}): Promise<string | undefined> {
  if (signal?.aborted) return Promise.resolve(undefined);
  const { stdin, stderr } = standardStreams();
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const line = createInterface({ input: stdin, output: secret ? nowhere : stderr, terminal: true });
  line.on('SIGINT', () => {
    stderr.write('\n');
    reject(new DevenvError('interrupted', 'interrupted; nothing was sent'));
    line.close();
  });
  const onAbort = (): void => {
    stderr.write('\n');
    line.close();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  line.on('close', () => {
    signal?.removeEventListener('abort', onAbort);
    resolve(undefined);
  });
  if (secret) stderr.write(question);
  line.question(secret ? '' : question, (answer) => {
    if (secret) stderr.write('\n');
    resolve(answer);
    line.close();
  });
  return promise;
}
