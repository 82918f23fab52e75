import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { listJobs, removeJob } from '../../src/cron/index.ts';
import { unitDir, unitFiles } from '../../src/cron/systemd.ts';
import { tempDir } from '../support/temp.ts';
import { fakeUser, type FakeUser } from './support.ts';

/** A manager that does as told and notes it. */
const manager = `
echo "$*" >>"$FAKE_CRONTAB.systemctl"
case "$2" in
restart) touch "$FAKE_CRONTAB.active" ;;
disable) rm -f "$FAKE_CRONTAB.active" ;;
is-active) [ -f "$FAKE_CRONTAB.active" ] ;;
esac
`;
const linger = (yes: boolean): string => `echo Linger=${yes ? 'yes' : 'no'}`;

function withSystemd(over: { readonly systemctl?: string; readonly lingers?: boolean } = {}): FakeUser {
  const user = fakeUser();
  user.program('systemctl', over.systemctl ?? manager);
  user.program('loginctl', linger(over.lingers ?? true));
  return user;
}
const unitsOf = ({ env }: FakeUser): readonly string[] =>
  existsSync(unitDir(env)) ? readdirSync(unitDir(env)).toSorted() : [];
const calls = ({ env }: FakeUser): string => readFileSync(`${env['FAKE_CRONTAB']}.systemctl`, 'utf8');

test('two unit files, enabled and started; the second time nothing changes; removed without a trace', async () => {
  const user = withSystemd();
  const { job, changed } = await user.install({ backend: 'systemd' });
  expect(changed).toBe(true);
  expect(unitsOf(user)).toEqual(['devenv-0123456789abcd.service', 'devenv-0123456789abcd.timer']);
  expect(readFileSync(path.join(unitDir(user.env), 'devenv-0123456789abcd.service'), 'utf8')).toBe(`[Unit]
Description=devenv nightly of shop

[Service]
Type=oneshot
# Through the shell: the name of a program may hold less than an argument.
ExecStart=/bin/sh ${job.wrapper}
# The session it starts or mends goes on running.
KillMode=process
`);
  expect(readFileSync(path.join(unitDir(user.env), 'devenv-0123456789abcd.timer'), 'utf8')).toBe(`[Unit]
Description=devenv nightly of shop

[Timer]
OnCalendar=*-*-* 04:17:00
Persistent=true
RandomizedDelaySec=60

[Install]
WantedBy=timers.target
`);
  expect(calls(user)).toContain('--user enable devenv-0123456789abcd.timer\n');
  expect((await listJobs(user.deps)).jobs).toMatchObject([{ backend: 'systemd', drift: [] }]);
  expect(await user.install({ backend: 'systemd' })).toMatchObject({ changed: false });
  expect(await removeJob(user.deps, job.id)).toEqual({
    id: job.id,
    from: ['systemd'],
    known: true,
    warnings: [],
  });
  expect(unitsOf(user)).toEqual([]);
  expect(calls(user)).toContain('--user disable --now devenv-0123456789abcd.timer\n');
  // The crontab is none of it.
  expect(user.writes()).toBe(0);
});

test('from cron to systemd and back: never both', async () => {
  const user = withSystemd();
  user.write('x\n');
  await user.install();
  await user.install({ backend: 'systemd' });
  expect(user.crontab()).toBe('x\n');
  await user.install();
  expect(unitsOf(user)).toEqual([]);
  expect(user.crontab()).toContain('devenv:0123456789abcd');
});

describe('where it cannot work', () => {
  test.each<[what: string, user: () => FakeUser, says: RegExp, hint: RegExp]>([
    [
      'without linger',
      () => withSystemd({ lingers: false }),
      /only run while you are logged in/,
      /loginctl enable-linger \S+.*--backend cron/,
    ],
    [
      'without a manager',
      () => withSystemd({ systemctl: 'echo "Failed to connect to bus: No medium found" >&2; exit 1' }),
      /no manager for this user: Failed to connect to bus/,
      /enable-linger/,
    ],
  ])('%s: nothing is written', async (_, make, says, hint) => {
    const user = make();
    await expect(user.install({ backend: 'systemd' })).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(hint),
    });
    expect(unitsOf(user)).toEqual([]);
  });

  test('neither cron nor systemd: both remedies', async () => {
    const user = withSystemd({ lingers: false });
    user.program('crontab', 'echo "You (x) are not allowed to use this program (crontab)" >&2; exit 1');
    await expect(user.install({ backend: 'auto' })).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringMatching(/nothing here can start it every night/),
      hint: expect.stringMatching(/for cron: .+\n {2}for systemd: loginctl enable-linger/),
    });
  });

  test('cron is forbidden: auto takes systemd', async () => {
    const user = withSystemd();
    user.program('crontab', 'echo "You (x) are not allowed to use this program (crontab)" >&2; exit 1');
    expect((await user.install({ backend: 'auto' })).job.backend).toBe('systemd');
  });

  test('a timer that does not start: its files are gone again', async () => {
    const user = withSystemd({ systemctl: 'case "$2" in is-active) exit 3 ;; esac' });
    await expect(user.install({ backend: 'systemd' })).rejects.toMatchObject({
      message: expect.stringContaining('did not start'),
    });
    expect(unitsOf(user)).toEqual([]);
  });

  test('drift: edited units, a timer that does not run', async () => {
    const user = withSystemd();
    const { job } = await user.install({ backend: 'systemd' });
    writeFileSync(path.join(unitDir(user.env), `devenv-${job.id}.timer`), 'x');
    user.program('systemctl', 'exit 3');
    const [found] = (await listJobs(user.deps)).jobs;
    expect(found?.drift).toEqual([
      expect.stringContaining('timer does not run'),
      expect.stringContaining('were edited'),
    ]);
  });
});

// systemd itself reads the files, where it is installed.
test.skipIf(!existsSync('/usr/bin/systemd-analyze')).each([
  ['plain', '/tmp/x/nightly'],
  ['with a space', '/tmp/my state/nightly'],
  ['with per cent and dollar', '/tmp/100%h/$HOME/nightly'],
  ['with quotes and a backslash', '/tmp/a"b\'c\\d/nightly'],
])('systemd takes the units of a path %s', async (_, wrapper) => {
  const dir = tempDir('units');
  const runtime = tempDir('runtime');
  mkdirSync(path.join(runtime, 'systemd'));
  const files = Object.entries(unitFiles({ id: 'abc', name: 'my 100% shop', at: '04:17', wrapper })).map(
    ([name, text]) => {
      writeFileSync(path.join(dir, name), text);
      return path.join(dir, name);
    },
  );
  const verified = await run(['systemd-analyze', 'verify', '--user', '--man=no', ...files], {
    env: { ...process.env, XDG_RUNTIME_DIR: runtime },
  });
  expect(verified.stderr.split('\n').filter((line) => line.includes('devenv-abc'))).toEqual([]);
  expect(verified.code).toBe(0);
  const calendar = await run(['systemd-analyze', 'calendar', '*-*-* 04:17:00']);
  expect(calendar.stdout).toContain('Normalized form: *-*-* 04:17:00');
});
