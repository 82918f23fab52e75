import { randomId } from '../base/index.ts';
import type { Tmux } from './client.ts';
import { listCommand, parsePanes, type PaneRow } from './panes.ts';
import { sequence } from './quote.ts';

/**
 * One tmux client that starts the server, tells what is there, and then waits for a script: while tmux starts, this
 * process prepares what it will send.
 */
export interface HeldClient {
  /** Every pane of the server; undefined when that must be asked for as usual (no tmux, an error, a row that lacks something). */
  readonly panes: Promise<{ readonly rows: readonly PaneRow[]; readonly version: string } | undefined>;
  /** The same server; its first script goes to the client that waits. */
  readonly tmux: Tmux;
  /** Lets the client go when no script came. A server without a session ends with it. */
  release(): void;
}

/** Starts such a client. */
export function holdClient(tmux: Tmux): HeldClient {
  const mark = `devenv-listed-${randomId()}`;
  const given = Promise.withResolvers<string>();
  const told = Promise.withResolvers<string | undefined>();
  let output = '';
  const onOutput = (chunk: Buffer): void => {
    output += chunk.toString('latin1');
    if (/\n/.test(output.split(mark)[1] ?? '')) told.resolve(output);
  };
  const ended = tmux.run(heldCommands(mark), {
    onOutput,
    feed: async (stdin) => void stdin.write(await given.promise),
  });
  void ended.then(() => told.resolve(undefined));
  let waits = true;
  const give = (text: string): void => {
    waits = false;
    given.resolve(text);
  };
  return {
    panes: told.promise.then((text) => (text === undefined ? undefined : readListing(text, mark))),
    tmux: {
      ...tmux,
      script: (lines, options) => {
        if (!waits) return tmux.script(lines, options);
        give(`${lines.join('\n')}\n`);
        return ended;
      },
    },
    release: () => give(''),
  };
}

// Without any session `list-panes` has no target and fails, which would end the rest.
const heldCommands = (mark: string): readonly string[] => [
  'start-server',
  ';',
  'if-shell',
  '-F',
  '#{S:1}',
  sequence([listCommand]),
  ';',
  'display-message',
  '-p',
  `${mark} #{version}`,
  ';',
  'source-file',
  '-',
];

function readListing(
  output: string,
  mark: string,
): { readonly rows: readonly PaneRow[]; readonly version: string } | undefined {
  const [listing = '', rest = ''] = Buffer.from(output, 'latin1').toString('utf8').split(mark);
  const rows = parsePanes(listing);
  return rows && { rows, version: rest.split('\n')[0]?.trim() ?? '' };
}
