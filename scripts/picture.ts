// Makes docs/session.png from the real screen of a real session: the demo up to the reset, an attached
// client, its screen taken with its colours, drawn by the browser. Run: node scripts/picture.ts
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AnsiUp } from 'ansi_up';
import { demoSteps, endWorld, openWorld } from './demo-steps.ts';

const root = path.resolve(import.meta.dirname, '..');
const [columns, rows] = [100, 24];
const world = await openWorld((line) => console.log(line));
const outer = `${path.basename(world.dir)}-outer`;
const tmux = (...args: string[]): string =>
  spawnSync('tmux', args, { encoding: 'utf8', env: { ...world.env, TERM: 'xterm-256color' } }).stdout;

/** An outer tmux that shows the attached inner client: its pane is the whole screen, status line included. */
async function takeScreen(): Promise<string> {
  const inner = world.env['DEVENV_TMUX_SOCKET'] ?? '';
  const attach = `env -u TMUX tmux -L ${inner} attach`;
  tmux(
    '-L',
    outer,
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    String(rows + 1),
    attach,
    ';',
    'set',
    '-g',
    'status',
    'off',
  );
  tmux('-L', inner, 'select-window', '-t', '=shop:watcher');
  await new Promise((resolve) => setTimeout(resolve, 5000));
  return tmux('-L', outer, 'capture-pane', '-e', '-p');
}

try {
  for (const step of demoSteps.slice(0, 5)) await step.run(world);
  const screen = await takeScreen();
  const body = new AnsiUp().ansi_to_html(screen.trimEnd());
  const html = path.join(world.dir, 'screen.html');
  writeFileSync(
    html,
    `<meta charset="utf-8"><style>body{margin:0;background:#16181d;color:#d8dee9}pre{margin:14px;font:15px/1.3 "DejaVu Sans Mono",monospace}</style><pre>${body}</pre>`,
  );
  const out = path.join(root, 'docs/session.png');
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--hide-scrollbars',
    '--force-device-scale-factor=1',
  ];
  spawnSync('chromium', [
    ...flags,
    `--user-data-dir=${world.dir}/chromium`,
    '--window-size=960,510',
    `--screenshot=${out}`,
    `file://${html}`,
  ]);
  console.log(`wrote ${out}`);
} finally {
  tmux('-L', outer, 'kill-server');
  await endWorld(world);
  rmSync(world.dir, { recursive: true, force: true, maxRetries: 5 });
}
