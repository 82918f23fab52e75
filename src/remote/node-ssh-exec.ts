import { PassThrough } from 'node:stream';
import { readFramed, supervise, type Ended } from './call.ts';
import type { Framed } from './frame.ts';
import type { Link } from './node-ssh-link.ts';
import type { SessionOptions, Sessions } from './node-ssh-sessions.ts';
import type { ScriptRun } from './types.ts';

/** How a framed script ended over node-ssh. */
export interface NodeSshEnded extends Ended {
  /** Its command was sent: it may have run, even if nothing came back. */
  readonly sent: boolean;
  /** Why no session could be opened for it. */
  readonly error: Error | undefined;
}

/** Runs one framed script in one session. Never rejects. */
export function execFramed(
  { link, sessions }: { readonly link: Link; readonly sessions: Sessions },
  { command, nonce }: Framed,
  script: ScriptRun,
  options: SessionOptions,
): Promise<NodeSshEnded> {
  const { promise, resolve } = Promise.withResolvers<NodeSshEnded>();
  const reading = readFramed(nonce, script);
  // Time runs and Ctrl-C counts while the session is being opened, too.
  const stdin = new PassThrough();
  let sent = false;
  let isOver = false;
  let leave = (): void => {};
  let forget = (): void => {};
  const settle = (error?: Error): void => {
    if (isOver) return;
    isOver = true;
    call.done();
    leave();
    forget();
    resolve({ ...reading.end(call.why()), sent, error });
  };
  const call = supervise({ stdin, end: () => setImmediate(settle) }, script);
  const begin = async (): Promise<void> => {
    const opened = await sessions.open(command, options);
    if (!opened.channel) {
      sent = opened.sent;
      return settle(opened.error);
    }
    const { channel } = opened;
    sent = true;
    leave = () => channel.close();
    if (isOver) return leave();
    channel.on('error', () => {});
    channel.on('data', reading.stdout);
    channel.stderr.on('data', reading.stderr);
    stdin.pipe(channel);
    const ends = [channel, channel.stderr].map(
      (stream) => new Promise<void>((done) => stream.once('close', done)),
    );
    void Promise.all(ends).then(() => settle());
    // What had come by then is still read.
    forget = link.onEnd(() => setImmediate(settle));
  };
  void begin();
  return promise;
}
