import { describe, expect, test } from 'vitest';
import { errorOf, load } from './support.ts';

const badSignal =
  'windows.api.stop.signal must be one of SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGKILL';

/** What is wrong, the file, and what is said. */
type Case = readonly [string, string, string];

const cases: readonly Case[] = [
  [
    'a night at no time of day',
    'nightly:\n  at: "25:00"\n',
    'devenv.yaml:2:3: nightly.at must be a time of day in quotes, from "00:00" to "23:59", not "25:00"',
  ],
  [
    'a night of a suite that is none',
    'suites: { unit: { command: x } }\nnightly:\n  suites: [unti]\n',
    'devenv.yaml:3:12: nightly.suites: no suite "unti" (did you mean "unit"?)',
  ],
  [
    'a night of a gate that is none',
    'nightly: { gates: lint }\n',
    'devenv.yaml:1:12: nightly.gates: no gate "lint"',
  ],
  [
    'a suite whose command does nothing',
    'suites: { unit: { command: "  " } }\n',
    'devenv.yaml:1:19: suites.unit.command must be a command (blanks and comments do nothing)',
  ],
  [
    'a command with a NUL character',
    'suites:\n  unit: { command: "echo \\0 x" }\n',
    'devenv.yaml:2:11: suites.unit.command must be a command without a NUL character (no program can be given one)',
  ],
  [
    'a path with a NUL character',
    'suites:\n  unit: { command: x, results: "a\\0" }\n',
    'devenv.yaml:2:23: suites.unit.results must not hold a NUL character',
  ],
  [
    'a variable with a NUL character',
    'env:\n  A: "a\\0"\n',
    'devenv.yaml:2:3: env.A must not hold a NUL character',
  ],
  [
    'a pane with a NUL character',
    'windows:\n  api:\n    panes: ["npm start", "echo \\0"]\n',
    'devenv.yaml:3:26: windows.api.panes.1 must be a command without a NUL character (no program can be given one)',
  ],
  [
    'a window whose command is a comment',
    'windows:\n  api:\n    command: "# npm start\\n  # later"\n',
    'devenv.yaml:3:5: windows.api.command must be a command (blanks and comments do nothing)',
  ],
  [
    'a night that asks',
    'nightly: { on_failure: ask }\n',
    'devenv.yaml:1:12: nightly.on_failure must be one of reset, keep, not "ask"',
  ],
  [
    'a webhook that is no URL',
    'nightly: { notify: { webhook: example.org } }\n',
    'devenv.yaml:1:22: nightly.notify.webhook must be an http or https URL, not "example.org"',
  ],
  [
    'a night without time',
    'nightly: { timeout: 0 }\n',
    'devenv.yaml:1:12: nightly.timeout must be at least 1s',
  ],
  [
    'an unknown key',
    'windows:\n  api:\n    port: 1\n    comand: x\n',
    'devenv.yaml:4:5: unknown key "comand" in windows.api (did you mean "command"?)',
  ],
  [
    'an unknown section',
    'window:\n  api: { command: x }\n',
    'devenv.yaml:1:1: unknown key "window" (did you mean "windows"?)',
  ],
  [
    'an unknown key nothing is like',
    'zebra: 1\n',
    'devenv.yaml:1:1: unknown key "zebra" (there are: name, layout, env, env_file, windows, suites, watch, gates, checkpoint, nightly, worktree, logs, hosts)',
  ],
  [
    'an unknown key of a probe',
    'windows:\n  api:\n    command: x\n    ready: { htpp: http://x }\n',
    'devenv.yaml:4:14: unknown key "htpp" in windows.api.ready (did you mean "http"?)',
  ],
  [
    'an unknown key deep in checkpoint',
    'checkpoint:\n  keep:\n    hourli: 3\n',
    'devenv.yaml:3:5: unknown key "hourli" in checkpoint.keep (did you mean "hourly"?)',
  ],
  [
    'an unknown key of a suite in flow form',
    'suites: { unit: { cmd: x } }\n',
    'devenv.yaml:1:19: unknown key "cmd" in suites.unit (did you mean "cwd"?)',
  ],
  [
    'a wrong word',
    'windows:\n  api: { command: x, restart: on-failures }\n',
    'devenv.yaml:2:22: windows.api.restart must be one of no, on-failure, always, not "on-failures" (did you mean "on-failure"?)',
  ],
  [
    'a wrong signal',
    'windows:\n  api: { command: x, stop: { signal: SIGTREM } }\n',
    `devenv.yaml:2:30: ${badSignal}, not "SIGTREM" (did you mean "SIGTERM"?)`,
  ],
  [
    'a signal by its number',
    'windows:\n  api: { command: x, stop: { signal: 9 } }\n',
    `devenv.yaml:2:30: ${badSignal}, not 9 (did you mean "SIGKILL"?)`,
  ],
  [
    'a signal by its number, after a reference',
    'windows:\n  api: { command: x, stop: { signal: "${S:-2}" } }\n',
    `devenv.yaml:2:30: ${badSignal}, not "2" (did you mean "SIGINT"?)`,
  ],
  ...['TERM', 'term', 'sigterm', 'TREM', 'Sigtrem'].map((word): Case => [
    `the signal ${word}`,
    `windows:\n  api: { command: x, stop: { signal: ${word} } }\n`,
    `devenv.yaml:2:30: ${badSignal}, not "${word}" (did you mean "SIGTERM"?)`,
  ]),
  [
    'a port out of range',
    'windows:\n  api: { command: x, port: 70000 }\n',
    'devenv.yaml:2:22: windows.api.port must be a port from 1 to 65535, or auto, not 70000',
  ],
  [
    'a list where a mapping belongs',
    'windows: [a, b]\n',
    'devenv.yaml:1:1: windows must be a mapping, not a list: write `NAME: ...` instead of `- ...`',
  ],
  [
    'text where a mapping belongs',
    'windows:\n  api: npm start\n',
    'devenv.yaml:2:3: windows.api must be a mapping, or null to remove it, not "npm start": write `api: { command: npm start }`',
  ],
  [
    'text with marks of YAML where a mapping belongs',
    'suites:\n  unit: "echo {} # no"\n',
    'devenv.yaml:2:3: suites.unit must be a mapping, or null to remove it, not "echo {} # no": write `unit: { command: "echo {} # no" }`',
  ],
  [
    'a destination where a mapping belongs',
    'hosts: { box: dev@box }\n',
    'devenv.yaml:1:10: hosts.box must be a mapping, or null to remove it, not "dev@box": write `box: { ssh: dev@box }`',
  ],
  [
    'a port in quotes',
    'windows:\n  api: { command: x, port: "8080" }\n',
    'devenv.yaml:2:22: windows.api.port must be a port from 1 to 65535, or auto, not "8080": write it without quotes',
  ],
  [
    'a ratio in quotes',
    'gates: { tests: { suites: [], pass_rate: "0.5" } }\n',
    'devenv.yaml:1:31: gates.tests.pass_rate must be a number from 0 to 1, not "0.5": write it without quotes',
  ],
  [
    'an empty command',
    'windows:\n  api:\n    command:\n',
    'devenv.yaml:3:5: windows.api.command must be text, not empty',
  ],
  [
    'a number as command',
    'suites:\n  unit:\n    command: 12\n',
    'devenv.yaml:3:5: suites.unit.command must be text, not 12',
  ],
  [
    'a bad duration',
    'checkpoint:\n  every: soon\n',
    'devenv.yaml:2:3: checkpoint.every must be a duration such as 250ms, 10s, 5m or 1h, not "soon"',
  ],
  [
    'a duration too short',
    'checkpoint: { every: 10ms }\n',
    'devenv.yaml:1:15: checkpoint.every must be at least 1s',
  ],
  [
    'a bad size',
    'logs: { max_size: 20 bananas }\n',
    'devenv.yaml:1:9: logs.max_size must be a size such as 512kB, 20MB or 2GB, not "20 bananas"',
  ],
  [
    'a bad backoff',
    'windows:\n  api: { command: x, restart: { backoff: 1s..x } }\n',
    'devenv.yaml:2:33: windows.api.restart.backoff must be a duration such as 250ms, 10s, 5m or 1h, not "x"',
  ],
  [
    'a backoff that shrinks',
    'windows:\n  api: { command: x, restart: { backoff: 9s..1s } }\n',
    'devenv.yaml:2:33: windows.api.restart.backoff must grow: 9s..1s ends below its start',
  ],
  [
    'a bad window name',
    'windows:\n  "my api": { command: x }\n',
    'devenv.yaml:2:3: "my api" is no name for one of the windows: use letters, digits, - and _',
  ],
  [
    'a bad variable name',
    'env:\n  1A: x\n',
    'devenv.yaml:2:3: "1A" is no name for one of the env: use letters, digits and _, not a digit first',
  ],
  [
    'a bad regular expression',
    'windows:\n  api: { command: x, ready: { log: "(" } }\n',
    'devenv.yaml:2:31: windows.api.ready.log is no regular expression: Invalid regular expression: /(/: Unterminated group',
  ],
  [
    'a probe that is no URL',
    'windows:\n  api: { command: x, ready: localhost }\n',
    'devenv.yaml:2:22: windows.api.ready must be a URL such as http://localhost:8080/health, not "localhost"',
  ],
  [
    'a bad tcp probe',
    'windows:\n  api: { command: x, ready: { tcp: "localhost:x" } }\n',
    'devenv.yaml:2:31: windows.api.ready.tcp must be a port or host:port, not "localhost:x"',
  ],
  [
    'two probes',
    'windows:\n  api: { command: x, ready: { http: "http://x", log: y } }\n',
    'devenv.yaml:2:49: windows.api.ready has http and log: one of them is the probe',
  ],
  [
    'no probe',
    'windows:\n  api: { command: x, ready: { timeout: 3s } }\n',
    'devenv.yaml:2:22: windows.api.ready needs one of http, tcp, log, command',
  ],
  [
    'a need that is no window',
    'windows:\n  api: { command: x }\n  ui:\n    command: y\n    needs: [api, apo]\n',
    'devenv.yaml:5:18: windows.ui needs "apo", which is no window (did you mean "api"?)',
  ],
  [
    'a path outside of the repository to link',
    'worktree:\n  link: [node_modules, ../lnk]\n',
    'devenv.yaml:2:24: worktree.link: "../lnk" is not inside the repository: write a path relative to its top folder',
  ],
  [
    'an absolute path to link',
    'worktree:\n  link: /etc/hosts\n',
    'devenv.yaml:2:3: worktree.link: "/etc/hosts" is not inside the repository: write a path relative to its top folder',
  ],
  [
    'a way out and in again that ends at the top',
    'worktree:\n  copy: [a/..]\n',
    'devenv.yaml:2:10: worktree.copy: "a/.." is the whole repository: name what is needed in it',
  ],
  [
    'the whole repository to link',
    'worktree: { link: ["."] }\n',
    'devenv.yaml:1:20: worktree.link: "." is the whole repository: name what is needed in it',
  ],
  [
    'the git directory to copy',
    'worktree:\n  copy: [x/../.git/hooks, node_modules]\n',
    'devenv.yaml:2:10: worktree.copy: "x/../.git/hooks" is what git itself keeps: each work tree has its own',
  ],
  [
    'a need of itself',
    'windows:\n  api: { command: x, needs: api }\n',
    'devenv.yaml:2:22: windows.api needs itself',
  ],
  [
    'a circle',
    'windows:\n  a: { command: x, needs: [b] }\n  b: { command: x, needs: [c] }\n  c: { command: x, needs: [a] }\n',
    'devenv.yaml:2:20: windows need each other in a circle: a -> b -> c -> a',
  ],
  [
    'a task that is needed',
    'suites: { e2e: { command: x } }\nwindows:\n  e2e: { run: e2e }\n  a: { command: x, needs: [e2e] }\n',
    'devenv.yaml:4:28: windows.a needs the task "e2e", which never becomes ready',
  ],
  [
    'one port twice',
    'windows:\n  a: { command: x, port: 80 }\n  b: { command: x, port: 80 }\n',
    "devenv.yaml:3:20: windows.b has port 80, which is windows.a's",
  ],
  [
    'two focuses',
    'windows:\n  a: { command: x, focus: true }\n  b: { command: x, focus: true }\n',
    'devenv.yaml:3:20: windows.b has focus, and so has windows.a',
  ],
  [
    'an unknown suite to run',
    'suites: { e2e: { command: x } }\nwindows:\n  t: { run: e3e }\n',
    'devenv.yaml:3:8: windows.t.run: no suite "e3e" (did you mean "e2e"?)',
  ],
  [
    'a time that no timer can hold',
    'watch: { debounce: 30d }\n',
    'devenv.yaml:1:10: watch.debounce must be at most 24d, not "30d"',
  ],
  [
    'an alias without an anchor',
    'name: *x\n',
    'devenv.yaml:1:7: *x is no alias: nothing before it has the anchor &x',
  ],
  [
    'an alias inside of what it names',
    'name: x\nenv: &a { A: *a }\n',
    'devenv.yaml:2:14: *a is part of what it stands for',
  ],
  [
    'a command where a suite is named',
    'windows:\n  t: { run: npm start }\n',
    'devenv.yaml:2:8: windows.t.run: no suite "npm start": there are no suites; a command is written as `command: ...`',
  ],
  [
    'an unknown suite to watch',
    'suites: { unit: { command: x } }\nwatch: { suites: [unti] }\n',
    'devenv.yaml:2:19: watch.suites: no suite "unti" (did you mean "unit"?)',
  ],
  [
    'a suite where there are none',
    'gates: { t: { suites: [unit] } }\n',
    'devenv.yaml:1:24: gates.t.suites: no suite "unit": there are no suites',
  ],
  [
    'an unknown gate',
    'gates: { lint: { command: x } }\ncheckpoint: { gates: [lnit] }\n',
    'devenv.yaml:2:23: checkpoint.gates: no gate "lnit" (did you mean "lint"?)',
  ],
  [
    'a suite without a command',
    'suites:\n  unit: { timeout: 3s }\n',
    'devenv.yaml:2:3: suites.unit has no command',
  ],
  [
    'a gate of nothing',
    'gates:\n  t: { pass_rate: 1 }\n',
    'devenv.yaml:2:3: gates.t needs suites, report or command',
  ],
  [
    'a gate of two kinds',
    'gates:\n  t: { report: a, command: b }\n',
    'devenv.yaml:2:19: gates.t has report and command: one of them is the rule',
  ],
  [
    'a setting of another kind of gate',
    'gates:\n  t: { command: a, min: 3 }\n',
    'devenv.yaml:2:20: gates.t.min belongs to report, but this gate has command',
  ],
  [
    'two things to run',
    'windows:\n  a: { command: x, panes: [y] }\n',
    'devenv.yaml:2:20: windows.a has command and panes: one of them says what it runs',
  ],
  [
    'a service with nothing to run',
    'windows:\n  a: { port: 80 }\n',
    'devenv.yaml:2:3: windows.a is a service with nothing to run: give it a command',
  ],
  [
    'an unset variable',
    'windows:\n  a: { command: x, cwd: "${NOWHERE_SET}" }\n',
    'devenv.yaml:2:20: windows.a.cwd: the variable NOWHERE_SET is not set (${NOWHERE_SET:-default} gives a default)',
  ],
  [
    'an unknown port reference',
    'windows:\n  api: { command: "x ${port.ap}", port: 80 }\n',
    'devenv.yaml:2:10: windows.api.command: ${port.ap}: no window "ap" with a port (did you mean "api"?)',
  ],
  [
    'an unknown reference',
    'name: x\nlogs: { dir: "${project.dir}" }\n',
    'devenv.yaml:2:9: logs.dir: ${project.dir} is not known (did you mean ${project.root}?)',
  ],
  [
    'a reference that does not end',
    'logs: { dir: "${HOME" }\n',
    'devenv.yaml:1:9: logs.dir: "${HOME" has a ${ without its }',
  ],
  [
    'variables in a circle',
    'env:\n  A: ${B}\n  B: ${A}\n',
    'devenv.yaml:2:3: env.A: the variables A -> B -> A refer to each other',
  ],
  [
    'a port from a variable that is none',
    'windows:\n  a: { command: x, port: "${P:-abc}" }\n',
    'devenv.yaml:2:20: windows.a.port must be a whole number from 1 to 65535, not "abc"',
  ],
  [
    'a missing env file',
    'env_file:\n  - .env\n',
    'devenv.yaml:2:5: env_file: no file .env (write { path: .env, optional: true } if it may be missing)',
  ],
  [
    'a host without an address',
    'hosts:\n  box: { path: x }\n',
    'devenv.yaml:2:3: hosts.box has no ssh address',
  ],
  ['a tab', 'windows:\n\tapi: x\n', 'devenv.yaml:2:1: Tabs are not allowed as indentation'],
  ['a key twice', 'name: a\nname: b\n', 'devenv.yaml:2:1: name is there twice: line 1 has that key already'],
  [
    'a window twice, in quotes',
    'windows:\n  a: {}\n  b: {}\n  "a": {}\n',
    'devenv.yaml:4:3: a is there twice: line 2 has that key already',
  ],
  [
    'a key twice in one line',
    'windows: { api: { command: x, command: y } }\n',
    'devenv.yaml:1:31: command is there twice: line 1 has that key already',
  ],
  [
    'a name that JavaScript would lose',
    'windows:\n  a: {}\n  __proto__: { command: x }\n',
    'devenv.yaml:3:3: __proto__ cannot be a name: choose another one',
  ],
  ['a list as file', '- a\n', 'devenv.yaml:1:1: the file must be a mapping, not a list'],
  ['a text as file', 'hello\n', 'devenv.yaml:1:1: the file must be a mapping, not "hello"'],
];

describe('a mistake in devenv.yaml is named with its place', () => {
  test.each(cases)('%s', async (_name, yaml, message) => {
    const error = await errorOf(load(yaml));
    expect(error.message).toBe(message);
    expect(error.code).toBe('config');
    expect(error.hint).toBeTruthy();
  });
});

test('all mistakes of all files are told at once, in the order of the files', async () => {
  const error = await errorOf(
    load('windows:\n  api:\n    comand: x\n    prot: 3\n', { 'devenv.local.yaml': 'checkpiont: 1\n' }),
  );
  expect(error.message.split('\n')).toEqual([
    'devenv.yaml:3:5: unknown key "comand" in windows.api (did you mean "command"?)',
    'devenv.yaml:4:5: unknown key "prot" in windows.api (did you mean "port"?)',
    'devenv.local.yaml:1:1: unknown key "checkpiont" (did you mean "checkpoint"?)',
  ]);
});

test('all broken rules are told at once', async () => {
  const error = await errorOf(
    load('windows:\n  a: { command: x, needs: [b] }\ncheckpoint: { gates: [g] }\nlogs: { dir: "${NOPE}" }\n'),
  );
  expect(error.message.split('\n').map((line) => line.split(': ')[0])).toEqual([
    'devenv.yaml:2:28',
    'devenv.yaml:3:23',
    'devenv.yaml:4:9',
  ]);
});

test('a mistake keeps its place wherever it is planted', async () => {
  const lines = [
    'name: x',
    'windows:',
    '  api:',
    '    command: a',
    '    port: 80',
    'suites:',
    '  unit:',
    '    command: b',
  ];
  for (const [at, indent] of [
    [1, 0],
    [4, 4],
    [5, 4],
    [8, 4],
  ] as const) {
    const planted = lines.toSpliced(at, 0, `${' '.repeat(indent)}wrong_key: 1`).join('\n');
    const error = await errorOf(load(planted));
    expect(error.message).toMatch(
      new RegExp(`^devenv\\.yaml:${at + 1}:${indent + 1}: unknown key "wrong_key"`),
    );
  }
});

test('a mistake behind an alias or a merge key is placed', async () => {
  const error = await errorOf(
    load('windows:\n  a: &base\n    command: x\n    prot: 1\n  b:\n    <<: *base\n'),
  );
  expect(error.message.split('\n')).toEqual([
    'devenv.yaml:4:5: unknown key "prot" in windows.a (did you mean "port"?)',
    'devenv.yaml:4:5: unknown key "prot" in windows.b (did you mean "port"?)',
  ]);
});

test('an unknown layout names the nearest and lists all', async () => {
  const error = await errorOf(load('name: x\nlayout: wbe\n'));
  expect(error.code).toBe('unknown-layout');
  expect(error.message).toBe('devenv.yaml:2:1: unknown layout "wbe" (did you mean "web"?)');
  expect(error.hint).toContain('api, go, minimal, monorepo, python, rust, web');
});

test('a variable that overrides with nonsense is named itself', async () => {
  const bad = await errorOf(load('name: x\n', {}, { DEVENV_CHECKPOINT_EVERY: 'soon' }));
  expect(bad.message).toBe(
    'DEVENV_CHECKPOINT_EVERY: checkpoint.every must be a duration such as 250ms, 10s, 5m or 1h, not "soon"',
  );
  const slip = await errorOf(load('name: x\n', {}, { DEVENV_CHECKPOINT_EVRY: '5s' }));
  expect(slip.message).toBe(
    'DEVENV_CHECKPOINT_EVRY: no setting has this variable (did you mean "DEVENV_CHECKPOINT_EVERY"?)',
  );
});
