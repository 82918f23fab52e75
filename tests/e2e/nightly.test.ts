import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasMark, listProcesses, run } from '../../src/base/index.ts';
import { fakeUser, type FakeUser } from '../cron/support.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { git, makeProject } from '../support/project.ts';
import { until } from '../support/until.ts';

interface Status {
  readonly running: boolean;
  readonly windows: readonly { readonly name: string; readonly state: string }[];
  readonly nightly: { readonly outcome: string; readonly overdue: boolean; readonly nextAt: string };
}
interface Report {
  readonly outcome: string;
  readonly session: { readonly state: string; readonly restarted: readonly string[] };
  readonly suites: readonly { readonly name: string; readonly verdict: string }[];
  readonly undone: { readonly written: readonly string[]; readonly restarted: readonly string[] } | null;
}

const config = `name: nights
windows:
  api: { command: "until test -e crash; do sleep 0.1; done; rm crash; exit 3", kind: service }
suites:
  unit: { command: good-code }
  e2e: { command: "grep -q good code.txt", on: demand }
checkpoint: { quiet: 0s }
`;

/** The built program, started by the very lines of the crontab, in an environment as bare as cron's. */
describe('nights by cron', () => {
  let server: PrivateTmux;
  let user: FakeUser;
  let cwd: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    server = privateTmux();
    user = fakeUser();
    // Found on the user's PATH alone.
    user.program('good-code', 'grep -q good code.txt');
    env = { ...server.env, PATH: user.env['PATH'], FAKE_CRONTAB: user.env['FAKE_CRONTAB'] };
    cwd = await makeProject(env, {
      name: "it's my shop",
      files: { 'devenv.yaml': config, 'code.txt': 'good\n', '.gitignore': 'crash\n' },
    });
  });
  afterAll(() => server.end());

  /** What cron does with a line: the time is taken off, a percent sign loses its backslash. */
  const runLine = async (which: RegExp): Promise<void> => {
    const line =
      user
        .crontab()
        ?.split('\n')
        .find((text) => which.test(text)) ?? '';
    const command = line
      .replace(/^(@reboot|(\S+ ){5})/, '')
      .trim()
      .replaceAll('\\%', '%');
    const bare = [
      'env',
      '-i',
      'PATH=/usr/bin:/bin',
      `HOME=${env['HOME']}`,
      'SHELL=/bin/sh',
      'LOGNAME=tester',
      // By which what is left of a failed test is found.
      `DEVENV_TEST_ID=${env['DEVENV_TEST_ID']}`,
    ];
    const ran = await run([...bare, '/bin/sh', '-c', command], { cwd: '/' });
    expect(ran).toMatchObject({ stdout: '', stderr: '' });
  };
  const lastReport = () => devenvJson<Report>(['nightly', '--report'], { cwd, env });
  const status = () => devenvJson<Status>(['status'], { cwd, env });

  it('is scheduled', async () => {
    const installed = await devenv(['cron', 'install', '--backend', 'cron', '--at', '04:17'], { cwd, env });
    expect(installed.code).toBe(0);
    expect(installed.stdout).toMatch(/nights scheduled every night at 04:17/);
    expect((await status()).nightly).toMatchObject({
      outcome: null,
      overdue: false,
      nextAt: expect.any(String),
    });
  });

  it('a green night starts the session and leaves it running', async () => {
    await runLine(/^17 4/);
    expect(await lastReport()).toMatchObject({
      outcome: 'passed',
      session: { state: 'started' },
      suites: [
        { name: 'unit', verdict: 'passed' },
        { name: 'e2e', verdict: 'passed' },
      ],
    });
    expect(await status()).toMatchObject({ running: true, nightly: { outcome: 'passed', overdue: false } });
    // Nothing of the run itself is left, and what stays does not look like it.
    const left = (await listProcesses()).filter(
      (p) => /devenv\.js nightly/.test(p.command) && hasMark(p.pid, `HOME=${env['HOME']}`),
    );
    expect(left).toEqual([]);
  });

  it('a red night mends the session, puts the good state back, and all of it can be had back', async () => {
    writeFileSync(path.join(cwd, 'crash'), '');
    await until('the service has failed', async () =>
      (await status()).windows.some(({ name, state }) => name === 'api' && state === 'failed'),
    );
    writeFileSync(path.join(cwd, 'code.txt'), 'bad\n');
    writeFileSync(path.join(cwd, 'mine.txt'), 'work\n');
    await git(cwd, env, 'add', 'mine.txt');
    const before = await git(cwd, env, 'status', '--porcelain=v2');
    await runLine(/^17 4/);
    const report = await lastReport();
    expect(report).toMatchObject({
      outcome: 'failed',
      session: { state: 'healed', restarted: ['api'] },
      undone: { written: ['code.txt'], restarted: ['api'] },
    });
    expect(readFileSync(path.join(cwd, 'code.txt'), 'utf8')).toBe('good\n');
    expect(existsSync(path.join(cwd, 'mine.txt'))).toBe(false);
    expect((await devenv(['status'], { cwd, env })).stdout).toMatch(/last night: failed .*\.md/);
    expect((await devenv(['undo', '--list'], { cwd, env })).stdout).toMatch(/by the nightly run/);
    expect((await devenv(['undo'], { cwd, env })).code).toBe(0);
    expect(await git(cwd, env, 'status', '--porcelain=v2')).toBe(before);
    expect(readFileSync(path.join(cwd, 'code.txt'), 'utf8')).toBe('bad\n');
  });

  it('at the start of the machine nothing is run twice', async () => {
    await runLine(/^@reboot/);
    const log = path.join(env['XDG_STATE_HOME'] ?? '', 'devenv/cron');
    const [id = ''] = (await devenvJson<{ jobs: { id: string }[] }>(['cron', 'list'], { cwd, env })).jobs.map(
      (job) => job.id,
    );
    expect(readFileSync(path.join(log, id, 'output.log'), 'utf8')).toMatch(/nothing was missed/);
    expect(
      (await devenvJson<{ nights: unknown[] }>(['nightly', '--history'], { cwd, env })).nights,
    ).toHaveLength(2);
  });

  it('is scheduled no more, and nothing of it runs', async () => {
    expect((await devenv(['cron', 'remove'], { cwd, env })).code).toBe(0);
    expect(user.crontab()).toBe('');
    expect((await devenv(['stop'], { cwd, env })).code).toBe(0);
  });
});
