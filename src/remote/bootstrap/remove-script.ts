import { dataLine } from '../on-box.ts';
import type { ScriptRun } from '../types.ts';

/**
 * Takes everything away that devenv put on a box. It looks first: a session, a command at work, a nightly run in the
 * crontab or a timer. Without YES any of these ends it before anything was touched. What belongs to the user stays:
 * projects, and the state folder as long as an opened work tree lies in it or another devenv uses it too.
 */
const script = `${dataLine}
state=\${XDG_STATE_HOME:-$HOME/.local/state}/devenv
cache=\${XDG_CACHE_HOME:-$HOME/.cache}/devenv
units=\${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
LC_ALL=C
export LC_ALL
nl='
'
say() { printf '%s=%s\\n' "$1" "\${2%%"$nl"*}"; }
failed() { say failed "$1"; exit 70; }
real=$(cd "$data" 2>/dev/null && pwd -P) || real=$data
# They are searched for as lines of text: a line break in one would make it match everything.
for place in "$data" "$real" "$state" "$cache"; do
  case $place in
    *"$nl"*) failed "a path with a line break in it: remove it by hand" ;;
    /*) ;;
    *) failed "not an absolute path: $place" ;;
  esac
done
ours() { printf '%s\\n' "$data/" "$real/" | grep -F -f - "$@"; }
field() { tr '\\0' '\\n' <"$1" 2>/dev/null | sed -n "s/^$2=//p" | head -n 1; }

# The programs that panes call as devenv: those of our builds, and of another devenv of this user.
shims=
foreign=
for file in "$state"/bin/*/devenv; do
  [ -f "$file" ] || continue
  if ours -q "$file"; then shims=$shims\${file%/devenv}$nl; else foreign=1; fi
done
calling() { printf '%s' "$shims" | grep -F -f - "$@"; }
sessions() { calling -l /proc/[0-9]*/environ 2>/dev/null; }
list=$(for file in $(sessions); do field "$file" DEVENV_SESSION; done | sort -u)
working() { ours -l /proc/[0-9]*/cmdline 2>/dev/null; }
busy=
[ -n "$list" ] || busy=$(for file in $(working); do tr '\\0' ' ' <"$file" 2>/dev/null; echo; done | sort -u)
fences=$(crontab -l 2>/dev/null | grep -c '^# >>> devenv:')
timers=$(for file in "$units"/devenv-*.timer; do [ ! -e "$file" ] || basename "$file"; done)
# Schedules of another devenv of this user are none of our business.
mine=
theirs=
for file in "$state"/cron/*/nightly; do
  [ -f "$file" ] || continue
  if ours -q "$file"; then mine=1; else theirs=1; fi
done
if [ -n "$theirs" ]; then foreign=1; fi
if [ -n "$theirs" ] && [ -z "$mine" ]; then fences=0; timers=; fi
open=
for file in "$state"/open/*/*/.git; do if [ -e "$file" ]; then open=\${file%/.git}; fi; done

printf '%s\\n' "$list" | while read -r name; do [ -z "$name" ] || say session "$name"; done
printf '%s\\n' "$busy" | while read -r line; do [ -z "$line" ] || say busy "$line"; done
say cron "$fences"
say timers "$(printf '%s' "$timers" | tr '\\n' ' ')"
fenced=
if [ "$fences" -gt 0 ]; then fenced=1; fi
if [ -z "$YES" ] && [ -n "$list$busy$timers$fenced" ]; then
  say result refused
  exit 0
fi

[ -z "$fenced$timers" ] || [ -z "$theirs" ] || failed "another devenv has schedules there too: devenv cron remove in each project of this one"
for file in $(sessions); do
  root=$(field "$file" DEVENV_ROOT)
  [ -d "$root" ] || continue
  socket=$(field "$file" DEVENV_TMUX_SOCKET)
  DEVENV_TMUX_SOCKET=$socket "$data/bin/devenv" stop --cwd "$root" >/dev/null 2>&1 </dev/null
done
[ -z "$(sessions)" ] || failed "its sessions could not be ended: devenv stop there"
# Nothing is killed here: what is at work gets its time, and then it is the user's to end.
tries=50
while [ -n "$(working)" ] && [ "$tries" -gt 0 ]; do
  sleep 0.1 2>/dev/null || { sleep 1; tries=$((tries - 9)); }
  tries=$((tries - 1))
done
file=$(working | head -n 1)
[ -z "$file" ] || failed "devenv is still at work there: $(tr '\\0' ' ' <"$file" 2>/dev/null)"

if [ -n "$fenced" ]; then
  [ "$fences" = "$(crontab -l | grep -c '^# <<< devenv:')" ] || failed "the marks of devenv in the crontab are not in pairs: mend it by hand (crontab -e)"
  # Between the marks what runs our script goes; what somebody else wrote there stays.
  kept=$(crontab -l | sed '/^# >>> devenv:/,/^# <<< devenv:/{
/^# [<>]* devenv:/d
/^ *$/d
/^ *#/b
/\\/cron\\/[^/]*\\/nightly/d
}'; echo .)
  why=$(printf '%s' "\${kept%.}" | crontab - 2>&1) || failed "the crontab could not be written: $why"
  [ "$(crontab -l; echo .)" = "$kept" ] || failed "the crontab is not as it was written: look at it (crontab -l)"
fi
for name in $timers; do
  systemctl --user disable --now "$name" >/dev/null 2>&1
  rm -f "$units/$name" "$units/\${name%.timer}.service"
done

# Only what devenv made, by name; what somebody else put there keeps the folder.
for name in bin current previous path run runtimes repos lock; do rm -rf "\${real:?}/$name"; done
rm -rf "\${real:?}"/[0-9]*+???????? "\${real:?}"/.in-*
[ -L "$data" ] || rmdir "$data" 2>/dev/null
[ ! -e "$data/bin" ] || failed "not all of $data could be removed"
if [ -n "$open" ]; then say kept "$open"; say why open; fi
if [ -n "$foreign" ]; then say kept "$state"; say why foreign; fi
if [ -z "$open$foreign" ]; then rm -rf "$state" "$cache"; fi
say result removed`;

/** The removal, as one exec. `yes`: also end sessions and commands there, and take nightly runs out of the crontab. */
export function removeScript(yes: boolean): Pick<ScriptRun, 'script' | 'vars'> {
  return { script, vars: { YES: yes ? '1' : '' } };
}

/** What became of a removal. */
export interface Removal {
  readonly kind: 'removed' | 'refused' | 'failed';
  /** What is at work there: sessions by name, else command lines. */
  readonly sessions: readonly string[];
  readonly busy: readonly string[];
  /** Whether the box runs devenv by its crontab or by timers. */
  readonly scheduled: boolean;
  /** A folder that stays, and why: an opened work tree, or another devenv of the user. */
  readonly kept: { readonly path: string; readonly why: 'open' | 'foreign' } | undefined;
  /** Why it failed. */
  readonly why: string;
}

/** Reads what the removal printed. */
export function readRemoval(stdout: string): Removal {
  const all = (key: string): readonly string[] =>
    Array.from(stdout.matchAll(new RegExp(`^${key}=(.+)$`, 'gm')), ([, value = '']) => value.trim());
  const [result] = all('result');
  const [path] = all('kept');
  return {
    kind: result === 'removed' || result === 'refused' ? result : 'failed',
    sessions: all('session'),
    busy: all('busy'),
    scheduled: Number(all('cron')[0] ?? 0) > 0 || (all('timers')[0] ?? '') !== '',
    kept: path === undefined ? undefined : { path, why: all('why')[0] === 'open' ? 'open' : 'foreign' },
    why: all('failed')[0] ?? 'it did not come to its end',
  };
}
