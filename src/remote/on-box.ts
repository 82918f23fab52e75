import { DevenvError } from '../base/index.ts';
import { shellWord } from './frame.ts';
import type { ScriptRun, Target } from './types.ts';

/** One devenv command for the box. */
export interface BoxCommand {
  readonly target: Target;
  /** The build that must be there, exactly: version and a hash of its files. */
  readonly build: string;
  readonly args: readonly string[];
  /** Variables for the command there (colours, width). */
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

/** The status by which the script says that something is missing before the command could begin. */
export const needStatus = 213;

/** The first word of what it prints then. */
const needWord = 'devenv-needs ';

/** What is missing on the box: devenv itself, or the project's folder. */
export type Need = 'install' | 'project';

/** Reads what the script of `boxScript` printed when it ended with `needStatus`. */
export function readNeed(stdout: string): Need | undefined {
  if (!stdout.startsWith(needWord)) return undefined;
  return stdout.slice(needWord.length).trim() === 'project' ? 'project' : 'install';
}

/** Whether output may be the beginning of a need instead of the command's own. */
export function mayBeNeed(stdout: string): boolean {
  return needWord.startsWith(stdout.slice(0, needWord.length));
}

/** The home of everything devenv keeps on a box, as a line of sh: versions, runtimes, notes. */
export const dataLine = 'data=${XDG_DATA_HOME:-$HOME/.local/share}/devenv';

/** Goes to the project's folder, which is written as people write it. */
const goThere = `case $DIR in '~') DIR=$HOME ;; '~/'*) DIR=$HOME/\${DIR#'~/'} ;; /*) ;; *) DIR=$HOME/$DIR ;; esac
cd "$DIR" 2>/dev/null || [ -n "$ANYWHERE" ] || need project`;

/**
 * Runs devenv of the right build in the project's folder. The command runs in the background of the script, which
 * meanwhile hears on its standard input: the line INT is the user's Ctrl-C. That the input ends only means that the
 * link is gone, and what is at work goes on, unless it only works for who listens.
 */
const template = `${dataLine}
need() { printf '${needWord}%s\\n' "$1"; exit ${needStatus}; }
node=
{ read -r node <"$data/$BUILD/.ok"; } 2>/dev/null || need install
[ -x "$node" ] || need install
${goThere}
umask "$devenv_umask"
login=
{ read -r login <"$data/path"; } 2>/dev/null || :
PATH=\${login:+$login:}$PATH:\${node%/*}
[ -n "$LANG$LC_ALL" ] || LANG=C.UTF-8
DEVENV_REMOTE=1
export PATH LANG DEVENV_REMOTE
exec 3<&0
if [ -n "$READS" ]; then
  "$node" "$data/$BUILD/bin/devenv.js" "$@" <&3 3<&- &
else
  "$node" "$data/$BUILD/bin/devenv.js" "$@" </dev/null 3<&- &
fi
pid=$!
if [ -n "$RECORD" ]; then
  (umask 077; mkdir -p "$data/run"; printf '%s\\n' "$pid" >"$data/run/$RECORD.pid")
fi
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
if [ -n "$RECORD" ]; then
  (umask 077; printf '%s\\n' "$code" >"$data/run/$RECORD.code")
fi
[ -z "$hears" ] || kill "$hears" 2>/dev/null
exit "$code"`;

/** The script and its variables. */
export function boxScript(command: BoxCommand): Pick<ScriptRun, 'script' | 'vars' | 'control'> {
  const exported = Object.entries(command.env).map(
    ([name, value]) => `${name}=${shellWord(value)}; export ${name}\n`,
  );
  const args = `set -- ${command.args.map(shellWord).join(' ')}\n`;
  return {
    script: `${exported.join('')}${args}${template}`,
    vars: {
      BUILD: command.build,
      DIR: command.target.path,
      ANYWHERE: command.anywhere ? '1' : '',
      ENDS: command.endsWithLink ? '1' : '',
      RECORD: command.record ?? '',
      READS: command.readsInput ? '1' : '',
    },
    control: !command.readsInput,
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
  | { readonly kind: 'ended'; readonly code: number }
  | { readonly kind: 'running' }
  /** No note of its end and no process: it was killed, or it never began. */
  | { readonly kind: 'gone' };

/** Asks the box what became of a recorded command. */
export function aftermathScript(record: string): Pick<ScriptRun, 'script' | 'vars' | 'repeatable'> {
  const script = `${dataLine}
cd "$data/run" 2>/dev/null || { echo gone; exit 0; }
find . -type f -mtime +1 -exec rm -f {} + 2>/dev/null
if read -r code <"$RECORD.code"; then echo "ended $code"
elif read -r pid <"$RECORD.pid" && kill -0 "$pid"; then echo running
else echo gone; fi 2>/dev/null`;
  return { script, vars: { RECORD: record }, repeatable: true };
}

/** Reads the answer to `aftermathScript`. */
export function readAftermath(stdout: string): Aftermath {
  const ended = /^ended (\d+)/.exec(stdout);
  if (ended) return { kind: 'ended', code: Number(ended[1]) };
  return { kind: stdout.startsWith('running') ? 'running' : 'gone' };
}
