import { dataLine } from '../on-box.ts';
import type { ScriptRun } from '../types.ts';

/** Asked of every node on the box: its version, its architecture, and a path that no shell setup is needed for. */
const askNode = `const fs = require('fs'), given = process.argv[1]; let found = process.execPath;
try { if (fs.realpathSync(given) === fs.realpathSync(found)) found = given; } catch (error) { found = process.execPath; }
console.log(process.versions.node + ' ' + process.arch + ' ' + found);`;

/**
 * Looks at everything that devenv depends on there, and changes nothing: one line \`key=value\` for each fact. What
 * matters is tried, not read from a version text: every node is run, a file is written and executed in the very
 * place where devenv will lie.
 */
const script = `${dataLine}
nl='
'
say() { printf '%s=%s\\n' "$1" "\${2%%"$nl"*}"; }
say os "$(uname -s)"
say arch "$(uname -m)"
say home "$HOME"
say data "$data"
say locale "\${LC_ALL:-\${LC_CTYPE:-\${LANG:-}}}"
shell=\${SHELL:-/bin/sh}
say shell "$shell"
LC_ALL=C
export LC_ALL
sed -n -e 's/^ID=/release_id=/p' -e 's/^ID_LIKE=/release_like=/p' -e 's/^PRETTY_NAME=/release_name=/p' /etc/os-release 2>/dev/null
say glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
for file in /lib/ld-musl-*; do [ -e "$file" ] && say musl "$file"; done

# The nearest folder that is there already: it is on the same disk.
where=$data
while [ ! -d "$where" ] && [ "$where" != / ]; do where=$(dirname "$where"); done
say where "$where"
column() { df "$1" "$where" 2>/dev/null | sed -n 2p | tr -s ' ' | cut -d ' ' -f "$2"; }
say free_kb "$(column -Pk 4)"
say mount "$(column -Pk 6-)"
say inodes "$(column -Pi 2)"
say free_inodes "$(column -Pi 4)"

scratch=$where/.devenv-probe-$$
trap 'rm -rf "$scratch"' EXIT
trap 'exit 129' HUP INT TERM PIPE
if why=$(mkdir "$scratch" 2>&1) && why=$({ printf '#!/bin/sh\\necho runs\\n' >"$scratch/try"; } 2>&1); then
  chmod 700 "$scratch/try"
  say exec "$("$scratch/try" 2>&1)"
else
  say unwritable "\${why:-?}"
fi

# The PATH that the login shell sets up: tools of a package manager or a version manager are often only there.
mark=devenv-$$-path
if [ -d "$scratch" ] && [ -x "$shell" ]; then
  for how in -lic -lc -c; do
    command -v setsid >/dev/null 2>&1 && own=setsid || own=
    $own "$shell" "$how" "/bin/sh -c 'echo $mark:\\$PATH:$mark'" </dev/null >"$scratch/path" 2>/dev/null &
    asked=$!
    left=50
    while kill -0 "$asked" 2>/dev/null && [ "$left" -gt 0 ] && ! grep -q "^$mark:" "$scratch/path" 2>/dev/null; do
      sleep 0.1 2>/dev/null || { sleep 1; left=$((left - 9)); }
      left=$((left - 1))
    done
    login=$(sed -n "s/^$mark:\\(.*\\):$mark\\$/\\1/p" "$scratch/path" 2>/dev/null)
    [ -z "$login" ] || break
    # It hangs: its group goes, where it has one of its own.
    if [ -n "$own" ]; then kill -9 "-$asked" 2>/dev/null; else kill -9 "$asked" 2>/dev/null; fi
  done
  if [ -n "$login" ]; then
    say path "$login"
    PATH=$login:$PATH
  fi
fi

tool() { case $(command -v "$1" 2>/dev/null) in /*) say "$1" "$(command -v "$1")" ;; esac; }
for name in tmux git gzip sha256sum shasum openssl systemctl loginctl; do tool "$name"; done
say tmux_version "$(tmux -V 2>/dev/null)"
say git_version "$(git --version 2>/dev/null)"

seen=:
try() {
  case $seen in *":$1:"*) return 0 ;; esac
  seen=$seen$1:
  if [ ! -x "$1" ] || [ -d "$1" ]; then return 0; fi
  if told=$("$1" -e "$ASK_NODE" "$1" 2>&1 </dev/null); then say node "$told"; else say bad_node "$1 $told"; fi
}
for file in "$data"/runtimes/*/bin/node "\${NVM_DIR:-$HOME/.nvm}"/versions/node/*/bin/node \\
  "\${VOLTA_HOME:-$HOME/.volta}"/tools/image/node/*/bin/node "$HOME"/.local/share/fnm/node-versions/*/installation/bin/node \\
  "$HOME"/.fnm/node-versions/*/installation/bin/node "$HOME"/.local/share/mise/installs/node/*/bin/node \\
  "\${ASDF_DATA_DIR:-$HOME/.asdf}"/installs/nodejs/*/bin/node /usr/local/bin/node /opt/homebrew/bin/node; do
  try "$file"
done
set -f
IFS=:
for dir in $PATH; do
  case $dir in /*) try "$dir/node"; try "$dir/nodejs" ;; esac
done
unset IFS
set +f

node=
{ read -r node <"$data/$BUILD/.ok"; } 2>/dev/null || :
[ -x "$node" ] && say ready "$node"
say current "$(readlink "$data/current" 2>/dev/null)"
for file in "$data"/*/.ok; do
  [ -e "$file" ] && file=\${file%/.ok} && say build "\${file##*/}"
done

if command -v loginctl >/dev/null 2>&1; then
  if [ -e "/var/lib/systemd/linger/$(id -un)" ]; then say linger yes; else say linger no; fi
  say kill_user "$(sed -n 's/^KillUserProcesses=//p' /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf 2>/dev/null | tail -n 1)"
fi
if command -v crontab >/dev/null 2>&1; then
  said=$(crontab -l 2>&1) && said='no crontab for'
  case $said in
    *'no crontab for'*) say crontab yes ;;
    *) say crontab "no $said" ;;
  esac
fi
say utf8 "$(locale -a 2>/dev/null | grep -i 'utf-*8' | head -n 1)"
if command -v infocmp >/dev/null 2>&1; then
  if infocmp "$TERM_HERE" >/dev/null 2>&1; then say terminfo yes; else say terminfo no; fi
fi
say zone "$(date +%Z)"
say clock "$(date +%s)"
exit 0`;

/** The probe, as one exec: is `build` there, and what has the box? `term` is the terminal that would attach. */
export function probeScript(build: string, term: string): Pick<ScriptRun, 'script' | 'vars' | 'repeatable'> {
  return { script, vars: { BUILD: build, TERM_HERE: term, ASK_NODE: askNode }, repeatable: true };
}
