/**
 * What runs in a pane: a small POSIX shell script around the window's command. It survives Ctrl-C,
 * records how the command ended, restarts it by policy or by a key, and waits for what it needs.
 * Everything about the pane comes in its environment, so nothing of it is written to disk.
 *
 * - `DEVENV_PANE_MODE`: service | task | tool; `DEVENV_PANE_COMMAND`: what to run
 * - `DEVENV_PANE_NEEDS`: windows to wait for, as shell words
 * - `DEVENV_PANE_RESTART`: `policy max minMs maxMs`
 * - `DEVENV_PANE_NOW`: a task that runs at once
 * - `DEVENV_PANE_PATH`: the PATH meant for the command: tmux puts its client's in place of what `-e` says
 * - `DEVENV_PANE_TMUX`, `DEVENV_PANE_DEVENV`: the programs to call, whatever PATH the command is given
 *
 * Its own helpers carry `DEVENV_PANE_HELPER=1`, by which a stop knows not to end them.
 */
export const wrapperScript = `#!/bin/sh
# Runs one pane of a devenv session; written by devenv, gone when its state folder is removed.
name=$DEVENV_WINDOW
mode=$DEVENV_PANE_MODE
cmd=$DEVENV_PANE_COMMAND
needs=$DEVENV_PANE_NEEDS
now=$DEVENV_PANE_NOW
tmux=$DEVENV_PANE_TMUX
devenv=$DEVENV_PANE_DEVENV
PATH=$DEVENV_PANE_PATH
export PATH
set -f
set -- $DEVENV_PANE_RESTART
policy=\${1:-no} max=\${2:-0} least=\${3:-1000} most=\${4:-30000}
unset DEVENV_PANE_MODE DEVENV_PANE_COMMAND DEVENV_PANE_NEEDS DEVENV_PANE_NOW DEVENV_PANE_TMUX DEVENV_PANE_DEVENV DEVENV_PANE_RESTART DEVENV_PANE_PATH
restarts=0 coming=0 streak=0 first=1 interrupted=0

# Ctrl-C and Ctrl-\\ are for the command; a trap that does something is reset in it, an ignored signal would not be.
trap 'interrupted=1' INT QUIT

# A command may have left the screen on its second page, without cursor or in colour: that is put right first.
say() { printf '\\n\\033[?1049l\\033[?25h\\033[0m[devenv] %s %s\\n' "$name" "$*"; }

# waiting, running: facts about this pane, kept in tmux by one client each.
waiting() {
  DEVENV_PANE_HELPER=1 "$tmux" set-option -p -t "$TMUX_PANE" @devenv_state waiting \\; \\
    set-option -p -u -t "$TMUX_PANE" @devenv_stopping </dev/null >/dev/null 2>&1
}
running() {
  DEVENV_PANE_HELPER=1 "$tmux" set-option -p -t "$TMUX_PANE" @devenv_state running \\; \\
    set-option -p -t "$TMUX_PANE" @devenv_started "$(date +%s)" \\; \\
    set-option -p -u -t "$TMUX_PANE" @devenv_seen \\; \\
    set-option -p -u -t "$TMUX_PANE" @devenv_exit \\; \\
    set-option -p -u -t "$TMUX_PANE" @devenv_stopping </dev/null >/dev/null 2>&1
}

# Hundredths of a second since some moment; without a process where the kernel tells.
ticks() {
  if read -r up _ 2>/dev/null </proc/uptime; then at=\${up%.*}\${up#*.}; else at=$(date +%s)00; fi
}

# finish STATE STATUS: records the end; sets $state, which is 'stopped' when devenv asked for it: then the restart to
# come is none. A stop may meet the helper before it is known as one, and end it: then it is told once more.
finish() {
  state=
  for attempt in 1 2 3; do
    [ -n "$state" ] || record "$@"
  done
  [ -n "$state" ] || state=$1
}
record() {
  state=$(DEVENV_PANE_HELPER=1 "$tmux" set-option -p -t "$TMUX_PANE" @devenv_exit "$2" \\; \\
    set-option -p -F -t "$TMUX_PANE" @devenv_state "#{?@devenv_stopping,stopped,$1}" \\; \\
    set-option -p -F -t "$TMUX_PANE" @devenv_restarts "#{?@devenv_stopping,$restarts,$((restarts + coming))}" \\; \\
    display-message -p -t "$TMUX_PANE" '#{@devenv_state}' </dev/null 2>/dev/null)
}

# One run of the command; sets $status and $took.
run() {
  interrupted=0 why=
  if [ -n "$needs" ]; then
    [ -n "$first" ] || waiting
    first=
    printf '[devenv] %s waits for %s\\n' "$name" "$needs"
    patience=
    [ "$mode" = task ] || patience=--patient
    eval "\\"\\$devenv\\" wait-ready $patience $needs"
    status=$? took=
    if [ "$status" -ne 0 ]; then why="was not started, because what it needs is not ready"; return; fi
  fi
  [ -n "$first" ] || running
  first=
  ticks; from=$at
  /bin/sh -c "$cmd"
  status=$?
  ticks
  took=$((at - from))
}

# 137 is 128 + 9, ended by signal 9.
describe() {
  if [ -n "$why" ]; then text=$why; return; fi
  if [ "$status" -gt 128 ]; then text="was ended by signal $((status - 128)) (status $status)"; else text="exited with status $status"; fi
  text="$text after $((took / 100)).$((took / 10 % 10))s"
}

# From here on keys are read one by one; those typed while the command ran do not count.
listen() {
  return=$(printf '\\r') etx=$(printf '\\003')
  DEVENV_PANE_HELPER=1 stty sane -icanon -echo -isig min 0 time 0 2>/dev/null || return
  DEVENV_PANE_HELPER=1 dd bs=4096 count=1 >/dev/null 2>&1
  DEVENV_PANE_HELPER=1 stty min 1 time 0 2>/dev/null
}

# Waits for one key: $key is enter or shell. Ends with the terminal.
ask() {
  key=
  while [ -z "$key" ]; do
    got=$(DEVENV_PANE_HELPER=1 dd bs=1 count=1 2>/dev/null; echo "x$?")
    case $got in
      x143) ;; # ended by such a stop
      x*) key=gone ;;
      "$return"*|"$newline"*) key=enter ;;
      "$etx"*) key=shell ;;
    esac
  done
  DEVENV_PANE_HELPER=1 stty sane 2>/dev/null
  [ "$key" != gone ] || exit "$status"
}
newline='
'

choose() {
  while :; do
    ask
    [ "$key" = shell ] || break
    printf '[devenv] leave this shell to come back\\n'
    (trap - INT QUIT; exec "\${SHELL:-/bin/sh}")
    listen
    printf '[devenv] %s: Enter %s it; Ctrl-C opens a shell\\n' "$name" "$verb"
  done
  restarts=$((restarts + again)) streak=0
}

pause() {
  ms=$least i=1
  while [ "$i" -lt "$streak" ] && [ "$ms" -lt "$most" ]; do ms=$((ms * 2)) i=$((i + 1)); done
  [ "$ms" -le "$most" ] || ms=$most
  delay=$((ms / 1000)).$(printf %03d $((ms % 1000)))
}

if [ "$mode" = task ] && [ -z "$now" ]; then
  status=0 verb=runs again=0 first=
  listen
  printf '[devenv] %s: runs on \`devenv run %s\`; Enter runs it now, Ctrl-C opens a shell\\n' "$name" "$name"
  choose
fi

while :; do
  run
  describe
  if [ "$mode" = tool ]; then
    trap - INT QUIT
    [ "$status" -eq 0 ] || say "$text"
    exec "\${SHELL:-/bin/sh}"
  fi
  # A run of a minute was a good one: the count of failures in a row begins anew.
  [ "\${took:-0}" -lt 6000 ] || streak=0
  next=exited
  if [ "$interrupted" -eq 0 ] && [ -z "$why" ] && [ "$mode" = service ] && [ "$streak" -lt "$max" ]; then
    case $policy in
      always) next=restarting ;;
      on-failure) [ "$status" -eq 0 ] || next=restarting ;;
    esac
  fi
  if [ "$next" = restarting ]; then
    streak=$((streak + 1)) coming=1
    finish restarting "$status"
    coming=0
    if [ "$state" = restarting ]; then
      pause
      say "$text; restarts in \${delay%00}s ($streak of $max)"
      sleep "$delay" 2>/dev/null
      slept=$?
      # A sleep that knows whole seconds only says so at once, with status 1.
      [ "$slept" -ne 1 ] || { sleep $((ms / 1000 + 1)); slept=$?; }
      [ "$slept" -ne 0 ] || { restarts=$((restarts + 1)); continue; }
      finish exited "$status"
    fi
  else
    finish exited "$status"
  fi
  listen
  verb=restarts again=1
  [ "$mode" != task ] || { verb='runs again' again=0; }
  if [ "$state" = stopped ]; then
    text=stopped verb=starts
  elif [ "$policy" != no ] && [ "$streak" -ge "$max" ] && [ "$max" -gt 0 ] && [ "$interrupted" -eq 0 ]; then
    text="$text, and was restarted $max times"
  fi
  case $verb in
    'runs again') say "$text. Enter runs it again; Ctrl-C opens a shell" ;;
    *) say "$text. Enter $verb it; Ctrl-C opens a shell" ;;
  esac
  [ "$verb" != 'runs again' ] || verb=runs
  choose
done
`;
