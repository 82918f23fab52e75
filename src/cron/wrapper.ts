import { shellQuote } from '../base/index.ts';

/** What the script of a schedule is made of. */
export interface WrapperInput {
  readonly id: string;
  readonly root: string;
  readonly name: string;
  readonly node: string;
  readonly program: string;
  /** Where it writes what the run prints. */
  readonly log: string;
  readonly env: NodeJS.ProcessEnv;
  /** The tmux server on which the session runs, by its socket. */
  readonly socket: string;
}

/** Where things lie, and the language: no more of the environment is written down, since it may hold secrets. */
const captured = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'SHELL',
  'XDG_STATE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'TMUX_TMPDIR',
  'DEVENV_SSH_CONFIG',
];

/**
 * The script that cron or systemd calls: they know neither the user's PATH nor a terminal. It sets what the
 * project needs and becomes `devenv nightly`, with an absolute Node and everything printed to a log.
 */
export function wrapperScript(input: WrapperInput): string {
  const variables = captured.flatMap((name) => {
    const value = input.env[name];
    return value ? [`${name}=${shellQuote(value)}; export ${name}`] : [];
  });
  const [node, program, log, root] = [input.node, input.program, input.log, input.root].map(shellQuote);
  return `#!/bin/sh
# The nightly run of ${oneLine(input.name)} (${oneLine(input.root)}).
# Written by \`devenv cron install\`, which writes it anew; edits are lost.
unset TMUX TMUX_PANE DEVENV_SESSION_ID DEVENV_SESSION DEVENV_WINDOW DEVENV_ROOT DEVENV_TMUX_SOCKET
${[...variables, ...socketLines(input)].join('\n')}
log=${log}
if [ -f "$log" ] && [ "$(wc -c <"$log")" -gt 1000000 ]; then mv -f "$log" "$log.1"; fi
exec >>"$log" 2>&1 </dev/null
cd ${root} || { echo "the project is gone: devenv cron remove --id ${input.id} forgets it"; exit 3; }
for file in ${node} ${program}; do
  [ -f "$file" ] || { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) gone: $file. Run devenv cron install again"; exit 3; }
done
exec ${node} ${program} nightly "$@"
`;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** The server is named as \`tmux -L\` names it, where it lies in the usual folder. */
function socketLines({ socket, env }: WrapperInput): readonly string[] {
  const name = env['DEVENV_TMUX_SOCKET'] ?? '';
  const own = /\/tmux-\d+\/([^/]+)$/.exec(socket)?.[1];
  const wanted = name || own;
  if (wanted === undefined) return [`TMUX=${shellQuote(`${socket},0,0`)}; export TMUX`];
  return wanted === 'default' ? [] : [`DEVENV_TMUX_SOCKET=${shellQuote(wanted)}; export DEVENV_TMUX_SOCKET`];
}
