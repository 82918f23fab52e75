import { dataLine } from '../on-box.ts';
import type { ScriptRun } from '../types.ts';

/** What one install sends and writes. */
export interface InstallInput {
  readonly build: string;
  /** Of all that comes on standard input. */
  readonly sha256: string;
  readonly payloadBytes: number;
  /** The packed node in front of the payload; 0: none is sent. */
  readonly runtimeBytes: number;
  /** Its folder below runtimes/, or empty. */
  readonly runtime: string;
  /** The node to run with, where none is sent. */
  readonly node: string;
  /** PATH of the login shell, or empty. */
  readonly path: string;
  readonly force: boolean;
}

/** Run by the node on the box: writes the files of a payload, each to the disk before it returns. */
const unpack = `const fs = require('fs'), path = require('path'), zlib = require('zlib');
const [, from, to] = process.argv;
const text = zlib.brotliDecompressSync(fs.readFileSync(from)).toString();
let at = text.indexOf('\\n') + 1;
for (const [name, length] of JSON.parse(text.slice(0, at))) {
  const file = path.join(to, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text.slice(at, (at += length)), { flush: true, mode: name.startsWith('bin/') ? 0o700 : 0o600 });
}`;

/**
 * Takes the lock of the box's folder of devenv: a folder with the holder's pid and start time in it. One whose
 * holder is dead is taken over, by one taker at a time; one whose holder lives is waited for, at most a minute.
 */
const takeLock = `lock=$data/lock
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
dead() {
  [ -n "$1" ] || return 1
  kill -0 "\${1%% *}" 2>/dev/null || return 0
  now=$(started "\${1%% *}")
  [ -n "$now" ] && [ "$now" != "\${1#* }" ]
}
holder() { held=; { read -r held <"$lock/holder"; } 2>/dev/null || :; }
take() {
  left=300
  until mkdir "$lock" 2>/dev/null; do
    holder
    [ -n "$held" ] || [ "$left" -gt 250 ] || held='0 none'
    if dead "$held" && mkdir "$lock/taking" 2>/dev/null; then
      before=$held
      holder
      if [ "\${held:-0 none}" = "$before" ]; then break; fi
      rmdir "$lock/taking"
    fi
    left=$((left - 1))
    [ "$left" -gt 0 ] || failed lock "\${held%% *}"
    sleep 0.2 2>/dev/null || { sleep 1; left=$((left - 4)); }
  done
  mine=1
  printf '%s %s\\n' "$$" "$(started $$)" >"$lock/holder"
  rmdir "$lock/taking" 2>/dev/null
}`;

const script = `${dataLine}
LC_ALL=C
export LC_ALL
failed() { printf 'failed=%s\\n' "$1"; printf 'why=%s\\n' "$2" | tr '\\n' ' '; exit 70; }
told() { printf 'result=%s\\n' "$1"; printf 'node=%s\\n' "$2"; exit 0; }
there() { node=; { read -r node <"$data/$BUILD/.ok"; } 2>/dev/null && [ -x "$node" ] && [ -z "$FORCE" ]; }
if there; then told there "$node"; fi
in=$data/.in-$$
mine=
trap 'rm -rf "$in"; [ -z "$mine" ] || rm -rf "$lock"' EXIT
# PIPE: when the link is gone, saying so must not keep it from tidying up.
trap 'exit 129' HUP INT TERM PIPE
why=$(mkdir -p "$data/runtimes" "$data/run" "$data/bin" 2>&1) || failed write "$why"
for old in "$data"/.in-*; do
  if [ "$old" = "$in" ] || ! kill -0 "\${old##*-}" 2>/dev/null; then rm -rf "$old"; fi
done
why=$(mkdir "$in" 2>&1) || failed write "$why"

# Everything comes in before the lock is taken: a link that hangs must not keep others waiting.
why=$({ cat >"$in/all"; } 2>&1) || failed write "$why"
hash() {
  if command -v sha256sum >/dev/null; then sha256sum
  elif command -v shasum >/dev/null; then shasum -a 256
  else openssl dgst -sha256 -r; fi | cut -d ' ' -f 1
}
[ "$(hash <"$in/all")" = "$SHA" ] || failed corrupt "$(wc -c <"$in/all") bytes came"
node=$NODE
if [ "$RUNTIME_BYTES" -gt 0 ]; then
  mkdir -p "$in/runtime/bin"
  why=$({ head -c "$RUNTIME_BYTES" "$in/all" | gzip -dc >"$in/runtime/bin/node"; } 2>&1) || failed write "$why"
  chmod 700 "$in/runtime/bin/node"
  node=$in/runtime/bin/node
fi
why=$("$node" -e 0 2>&1) || failed node "$why"
why=$({ tail -c "$PAYLOAD_BYTES" "$in/all" >"$in/payload"; } 2>&1) || failed write "$why"
rm -f "$in/all"
why=$("$node" -e "$UNPACK" "$in/payload" "$in/build" 2>&1) || failed write "$why"

${takeLock}
take
if there; then told there "$node"; fi
if [ "$RUNTIME_BYTES" -gt 0 ]; then
  [ ! -e "$data/runtimes/$RUNTIME" ] || mv "$data/runtimes/$RUNTIME" "$in/old-runtime"
  why=$(mv "$in/runtime" "$data/runtimes/$RUNTIME" 2>&1) || failed write "$why"
  NODE=$data/runtimes/$RUNTIME/bin/node
fi
[ ! -e "$data/$BUILD" ] || mv "$data/$BUILD" "$in/old"
why=$(mv "$in/build" "$data/$BUILD" 2>&1) || failed write "$why"
if [ -n "$LOGIN_PATH" ]; then printf '%s\\n' "$LOGIN_PATH" >"$data/path.$$" && mv "$data/path.$$" "$data/path"; fi
# The new build itself takes its place: that proves, too, that it runs here.
if ! why=$("$NODE" "$data/$BUILD/bin/devenv.js" __settle --json 2>&1 </dev/null); then
  rm -rf "\${data:?}/$BUILD"
  failed build "$why"
fi
# Last of all: what has this file is whole.
why=$({ printf '%s\\n' "$NODE" >"$in/ok" && mv "$in/ok" "$data/$BUILD/.ok"; } 2>&1) || failed write "$why"
told installed "$NODE"`;

/** The install, as one exec: what is sent comes on its standard input. It is safe to be run by several at once. */
export function installScript(input: InstallInput): Pick<ScriptRun, 'script' | 'vars'> {
  return {
    script,
    vars: {
      BUILD: input.build,
      SHA: input.sha256,
      PAYLOAD_BYTES: String(input.payloadBytes),
      RUNTIME_BYTES: String(input.runtimeBytes),
      RUNTIME: input.runtime,
      NODE: input.node,
      LOGIN_PATH: input.path,
      FORCE: input.force ? '1' : '',
      UNPACK: unpack,
    },
  };
}

/** What became of an install. */
export type InstallOutcome =
  | { readonly kind: 'installed' | 'there'; readonly node: string }
  | {
      readonly kind: 'failed';
      readonly what: 'write' | 'corrupt' | 'node' | 'build' | 'lock' | 'unknown';
      readonly why: string;
    };

/** Reads what the install printed. */
export function readInstall(stdout: string): InstallOutcome {
  const result = /^result=(installed|there)$/m.exec(stdout)?.[1];
  const node = /^node=(\/.*)$/m.exec(stdout)?.[1];
  if ((result === 'installed' || result === 'there') && node !== undefined) return { kind: result, node };
  const what = /^failed=(write|corrupt|node|build|lock)$/m.exec(stdout)?.[1];
  const why = /^why=(.*)$/ms.exec(stdout)?.[1]?.trim() ?? stdout.trim();
  return { kind: 'failed', what: isWhat(what) ? what : 'unknown', why };
}

type What = Extract<InstallOutcome, { kind: 'failed' }>['what'];
const isWhat = (word: string | undefined): word is What => word !== undefined;
