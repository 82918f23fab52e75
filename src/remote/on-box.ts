import { DevenvError } from '../base/index.ts';
import { shellWord } from './frame.ts';
import type { ScriptRun, Target } from './types.ts';

/** One devenv command for the box. */
export interface BoxCommand {
  readonly target: Target;
  /** The build that must be there, exactly: version and a hash of its files. */
  readonly build: string;
  readonly args: readonly string[];
  /** Variables for the command there (`DEVENV_REMOTE`: color or plain). */
  readonly env: Readonly<Record<string, string>>;
  /** Runs in the home when the project is not there yet. */
  readonly anywhere?: boolean;
  /** Ends when nobody listens any more (a stream of facts), instead of coming to its end. */
  readonly endsWithLink?: boolean;
  /** Reads the standard input of the call; without it, that is only heard for Ctrl-C. */
  readonly readsInput?: boolean;
  /** Leaves a note of how it ended under this name, for when the link breaks before it can tell. */
  readonly record?: string;
}

/** What is missing on the box: devenv itself, or the project's folder. */
export type Need = 'install' | 'project';

/** The statuses by which the scripts say that something is missing before the command could begin. */
const needStatus = { install: 213, project: 214 } as const;

/** The status of a recorded command that came after it was given up: it has not begun. */
const voidStatus = 215;

/** The first word of what is printed then, unless it is a terminal. */
const needWord = 'devenv-needs ';

/** Reads how a script ended: what is missing, if anything. `stdout` is not known of a terminal. */
export function readNeed(code: number, stdout = needWord): Need | undefined {
  if (!stdout.startsWith(needWord)) return undefined;
  return code === needStatus.install ? 'install' : code === needStatus.project ? 'project' : undefined;
}

/** Whether output may be the beginning of a need instead of the command's own. */
export function mayBeNeed(stdout: string): boolean {
  return needWord.startsWith(stdout.slice(0, needWord.length));
}

/** The home of everything devenv keeps on a box, as a line of sh: versions, runtimes, notes. */
export const dataLine = 'data=${XDG_DATA_HOME:-$HOME/.local/share}/devenv';

/** Finds the build and the project, and gives the command the variables that a login would have given it. */
const prelude = `${dataLine}
need() { [ -t 1 ] || printf '${needWord}%s\\n' "$1"; exit "$2"; }
node=
{ read -r node <"$data/$BUILD/.ok"; } 2>/dev/null || need install ${needStatus.install}
[ -x "$node" ] || need install ${needStatus.install}
case $DIR in \\~) DIR=$HOME ;; \\~/*) DIR=$HOME/\${DIR#??} ;; /*) ;; *) DIR=$HOME/$DIR ;; esac
cd "$DIR" 2>/dev/null || [ -n "$ANYWHERE" ] || need project ${needStatus.project}
umask "$devenv_umask"
login=
{ read -r login <"$data/path"; } 2>/dev/null || :
PATH=\${login:+$login:}$PATH:\${node%/*}
case $LC_ALL$LC_CTYPE$LANG in *[Uu][Tt][Ff]*) ;; *) LANG=C.UTF-8 ;; esac
if [ -n "$AGENT" ] && [ -n "$SSH_AUTH_SOCK" ]; then
  (umask 077; mkdir -p "$data/run"; ln -sfn "$SSH_AUTH_SOCK" "$data/run/agent.sock")
  SSH_AUTH_SOCK=$data/run/agent.sock
  export SSH_AUTH_SOCK
fi
DEVENV_REMOTE=\${DEVENV_REMOTE:-plain}
export PATH LANG DEVENV_REMOTE`;

/**
 * Runs the command in the background of the script, which meanwhile hears on its standard input: the line INT is the
 * user's Ctrl-C. That the input ends only means that the link is gone, and what is at work goes on, unless it only
 * works for who listens.
 */
const inBackground = `exec 3<&0
work() {
  if [ -n "$READS" ]; then
    "$node" "$data/$BUILD/bin/devenv.js" "$@" <&3 3<&- &
  else
    "$node" "$data/$BUILD/bin/devenv.js" "$@" </dev/null 3<&- &
  fi
  pid=$!
  [ -z "$RECORD" ] || (umask 077; echo "$pid $$" >"$note") 2>/dev/null
  hears=
  if [ -z "$READS" ]; then
    (
      while read -r word; do
        case $word in INT) kill -INT "$pid" ;; esac
      done
      [ -z "$ENDS" ] || kill -HUP "$pid"
    ) <&3 >/dev/null 2>&1 &
    hears=$!
  fi
  wait "$pid"
  code=$?
  [ -z "$hears" ] || kill "$hears" 2>/dev/null
  return "$code"
}
if [ -z "$RECORD" ]; then
  work "$@"
  exit
fi
note=$data/run/$RECORD.pid
(umask 077; mkdir -p "$data/run"; set -C; : >"$note") 2>/dev/null || [ ! -e "$note" ] || exit ${voidStatus}
# What it says is kept as well, for when nobody hears it; a tee that ignores SIGPIPE goes on with the file.
exec 4>&1
code=$({ { work "$@" 4>&- 5>&-; echo "$?" >&5; } |
  (trap '' PIPE; umask 077; exec tee "$data/run/$RECORD.out") >&4 2>/dev/null 5>&-; } 5>&1)
(umask 077; printf '%s\\n' "$code" >"$data/run/$RECORD.code")
# Nobody asks for notes of yesterday.
find "$data/run" -type f -mtime +1 -exec rm -f {} + </dev/null >/dev/null 2>&1 4>&- &
exit "$code"`;

/** Gives the command the terminal; a terminal the box has never heard of is taken for xterm's. */
const onTerminal = `infocmp "$TERM" >/dev/null 2>&1 || TERM=xterm-256color
export TERM
exec "$node" "$data/$BUILD/bin/devenv.js" "$@"`;

/** The script and its variables; `run` it with `control`. */
export function boxScript(command: BoxCommand): Pick<ScriptRun, 'script' | 'vars' | 'control'> {
  return { ...prepare(command, inBackground), control: !command.readsInput };
}

/** As `boxScript`, for `attach`. */
export function terminalScript(command: BoxCommand): Pick<ScriptRun, 'script' | 'vars'> {
  return prepare(command, onTerminal);
}

function prepare(command: BoxCommand, body: string): Pick<ScriptRun, 'script' | 'vars'> {
  const exported = Object.entries(command.env).map(
    ([name, value]) => `${name}=${shellWord(value)}; export ${name}\n`,
  );
  const args = `set -- ${command.args.map(shellWord).join(' ')}\n`;
  return {
    script: `${exported.join('')}${args}${prelude}\n${body}`,
    vars: {
      BUILD: command.build,
      DIR: command.target.path,
      ANYWHERE: command.anywhere ? '1' : '',
      ENDS: command.endsWithLink ? '1' : '',
      AGENT: command.target.forwardAgent ? '1' : '',
      RECORD: command.record ?? '',
      READS: command.readsInput ? '1' : '',
    },
  };
}

/** The project is not on the box. */
export function noProject(target: Target): DevenvError {
  return new DevenvError(
    'no-repo',
    `${target.name} has no ${target.path}`,
    `devenv host push ${target.name} sends this work tree there; hosts in devenv.yaml names another path`,
  );
}

/** What became of a command after the link broke. */
export type Aftermath =
  /** `output` is all that it said on standard output. */
  | { readonly kind: 'ended'; readonly code: number; readonly output: Buffer }
  | { readonly kind: 'running' }
  /** It began, and was killed before its end. */
  | { readonly kind: 'gone' }
  /** It has not begun, and cannot any more: it is safe to send it again. */
  | { readonly kind: 'never' };

/**
 * Asks the box what became of a recorded command. One that has left no note is given up by making the note in its
 * place: should it come late, it finds that and does nothing. It is at work as long as it lives, or the shell that
 * writes down how it ended; that is read last, since both may end meanwhile.
 */
export function aftermathScript(record: string): Pick<ScriptRun, 'script' | 'vars' | 'repeatable'> {
  const script = `${dataLine}
mkdir -p "$data/run" && cd "$data/run" || exit 1
find . -type f -mtime +1 -exec rm -f {} + 2>/dev/null
pid=
is=gone
if read -r pid shell <"$RECORD.pid"; then
  if [ "$pid" = void ]; then is=never; elif kill -0 "$pid" || kill -0 "\${shell:-$pid}"; then is=running; fi
fi 2>/dev/null
if read -r code <"$RECORD.code"; then echo "ended $code"; cat "$RECORD.out"
elif [ "$pid" ]; then echo $is
elif (set -C; echo void >"$RECORD.pid"); then echo never
elif [ -n "$(find "$RECORD.pid" -mmin -1)" ]; then echo running
else echo gone; fi 2>/dev/null`;
  return { script, vars: { RECORD: record }, repeatable: true };
}

/** Reads the answer to `aftermathScript`. */
export function readAftermath(stdout: Buffer): Aftermath {
  const end = stdout.indexOf('\n') + 1;
  const line = stdout.subarray(0, end).toString('latin1');
  const ended = /^ended (\d+)/.exec(line);
  if (ended) return { kind: 'ended', code: Number(ended[1]), output: stdout.subarray(end) };
  const kind = (['running', 'never'] as const).find((word) => line.startsWith(word));
  return { kind: kind ?? 'gone' };
}
