import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/base/index.ts';
import { listJobs, readJob, removeJob } from '../../src/cron/index.ts';
import { fakeUser, type FakeUser } from './support.ts';

const foreign = 'MAILTO=""\n# mine: \xe9\xff\n5 5 * * * echo "a \\% b"\n\n';
const stateOf = (user: FakeUser): string => path.join(user.env['XDG_STATE_HOME'] ?? '', 'devenv', 'cron');
const backups = (user: FakeUser): readonly string[] =>
  existsSync(stateOf(user)) ? readdirSync(stateOf(user)).filter((name) => name.endsWith('.bak')) : [];

describe('install and remove', () => {
  test('a fenced block with two lines; foreign lines stay byte for byte; the second time nothing changes', async () => {
    const user = fakeUser();
    user.write(foreign);
    const { job, changed } = await user.install();
    expect(changed).toBe(true);
    expect(user.crontab()).toBe(
      `${foreign}# >>> devenv:0123456789abcd (managed, v1) >>>\n17 4 * * * ${job.wrapper}\n@reboot ${job.wrapper} --if-missed\n# <<< devenv:0123456789abcd <<<\n`,
    );
    expect(statSync(job.wrapper).mode & 0o777).toBe(0o700);
    expect(readJob(user.env, job.id)).toEqual(job);
    expect(backups(user)).toHaveLength(1);
    expect(readFileSync(path.join(stateOf(user), backups(user)[0] ?? ''), 'latin1')).toBe(foreign);
    expect(await user.install()).toMatchObject({ changed: false });
    expect(user.writes()).toBe(1);
    expect(await removeJob(user.deps, job.id)).toEqual({
      id: job.id,
      from: ['cron'],
      known: true,
      warnings: [],
    });
    expect(user.crontab()).toBe(foreign);
    expect(existsSync(job.wrapper)).toBe(false);
    expect(await removeJob(user.deps, job.id)).toEqual({ id: job.id, from: [], known: false, warnings: [] });
    expect(user.writes()).toBe(2);
  });

  test.each(['install', 'remove'])(
    '%s keeps a line that stands between the markers, and says so',
    async (what) => {
      const user = fakeUser();
      const { job } = await user.install();
      const mine = '3 3 * * * MINE \xe9\n';
      user.write((user.crontab() ?? '').replace('v1) >>>\n', `v1) >>>\n${mine}`));
      const { warnings } = what === 'install' ? await user.install() : await removeJob(user.deps, job.id);
      expect(warnings).toContainEqual(
        expect.stringContaining("in devenv's block of the crontab: 3 3 * * * MINE"),
      );
      expect(user.crontab()?.endsWith(what === 'install' ? `<<<\n${mine}` : mine)).toBe(true);
      expect((await user.install()).warnings.join()).not.toContain('MINE');
    },
  );

  test('without a crontab: one is made; when the last line goes, an empty one stays', async () => {
    const user = fakeUser();
    await user.install();
    expect(user.crontab()).toMatch(/^# >>> devenv:/);
    await removeJob(user.deps, user.project.id);
    expect(user.crontab()).toBe('');
  });

  test('another time replaces the block, and what may have been missed is counted anew', async () => {
    const user = fakeUser();
    const first = await user.install();
    const same = await user.install();
    expect(same.job.installedAt).toBe(first.job.installedAt);
    const { changed, job } = await user.install({ at: '05:30' });
    expect(changed).toBe(true);
    expect(job.installedAt).toBeGreaterThanOrEqual(first.job.installedAt);
    expect(user.crontab()?.match(/^30 5 \* \* \* /gm)).toHaveLength(1);
    expect(user.crontab()).not.toContain('17 4 ');
  });

  test('five backups are kept', async () => {
    const user = fakeUser();
    for (let n = 10; n < 18; n++) await user.install({ at: `05:${n}` });
    expect(backups(user)).toHaveLength(5);
    expect(readFileSync(path.join(stateOf(user), backups(user).toSorted().at(-1) ?? ''), 'latin1')).toContain(
      '16 5 * * *',
    );
  });

  test('a dry run tells the lines and writes nothing', async () => {
    const user = fakeUser();
    const would = await user.install({ dryRun: true });
    expect(would).toMatchObject({
      changed: true,
      lines: [expect.stringMatching(/^17 4 /), expect.any(String)],
    });
    expect(user.crontab()).toBeUndefined();
    expect(existsSync(would.job.wrapper)).toBe(false);
    await user.install();
    expect(await user.install({ dryRun: true })).toMatchObject({ changed: false });
    await removeJob(user.deps, user.project.id, true);
    expect(user.crontab()).toContain('devenv:0123');
  });

  test('two projects at once: both blocks are there', async () => {
    const user = fakeUser();
    const other = { id: 'ffff', name: 'other', root: user.project.root };
    await Promise.all([user.install(), user.install({ project: other })]);
    expect(user.crontab()?.match(/^# >>> devenv:/gm)).toHaveLength(2);
  });
});

describe('a crontab that does not do what it should', () => {
  const faults: readonly (readonly [what: string, script: string, says: RegExp, hint: RegExp])[] = [
    [
      'it fails for another reason',
      'echo "crontab: cannot open spool" >&2; exit 1',
      /reading the crontab failed.*cannot open spool/,
      /writes nothing/,
    ],
    ['it fails without a word', 'exit 1', /reading the crontab failed/, /writes nothing/],
    [
      'it prints something and fails',
      'echo "5 5 * * * x"; echo "no crontab for x" >&2; exit 1',
      /reading the crontab failed/,
      /writes nothing/,
    ],
    ['it is killed', 'kill -9 $$', /reading the crontab failed/, /writes nothing/],
    [
      'it is forbidden',
      'echo "You (tester) are not allowed to use this program (crontab)" >&2; exit 1',
      /may have no crontab/,
      /cron\.allow.*--backend systemd/,
    ],
  ];

  test.each(faults)('%s: nothing is written', async (_, script, says, hint) => {
    const user = fakeUser();
    user.write(foreign);
    user.program('crontab', `echo "$1" >>"$FAKE_CRONTAB.calls"; ${script}`);
    await expect(user.install()).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(hint),
    });
    expect(readFileSync(`${user.env['FAKE_CRONTAB']}.calls`, 'utf8')).not.toContain('-\n-\n');
    expect(readFileSync(`${user.env['FAKE_CRONTAB']}.calls`, 'utf8').replaceAll('-l\n', '')).toBe('');
    expect(user.crontab()).toBe(foreign);
    expect(readJob(user.env, user.project.id)).toBeUndefined();
  });

  test('it is not installed: the remedy for cron and the other way', async () => {
    const user = fakeUser();
    const bin = user.env['PATH']?.split(':')[0] ?? '';
    rmSync(path.join(bin, 'crontab'));
    user.deps.env['PATH'] = bin;
    await expect(user.install()).rejects.toMatchObject({
      code: 'environment',
      message: 'crontab is not installed',
      hint: expect.stringMatching(/apt-get install cron.*--backend systemd/),
    });
  });

  test('it writes only half: the old crontab comes back', async () => {
    const user = fakeUser();
    user.write(foreign);
    user.program(
      'crontab',
      `case "$1" in -l) cat "$FAKE_CRONTAB" ;;
       -) if [ -f "$FAKE_CRONTAB.broken" ]; then cat >"$FAKE_CRONTAB"; else touch "$FAKE_CRONTAB.broken"; head -c 60 >"$FAKE_CRONTAB"; fi ;; esac`,
    );
    await expect(user.install()).rejects.toMatchObject({
      code: 'environment',
      message: expect.stringContaining('the old crontab is back'),
    });
    expect(user.crontab()).toBe(foreign);
    expect(readJob(user.env, user.project.id)).toBeUndefined();
  });

  test('it loses everything and takes nothing back: the backup is named', async () => {
    const user = fakeUser();
    user.write(foreign);
    user.program('crontab', `case "$1" in -l) cat "$FAKE_CRONTAB" ;; -) : >"$FAKE_CRONTAB"; exit 1 ;; esac`);
    const failure = await user.install().catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: expect.stringContaining('neither the new nor the old') });
    const file = /is in (\S+\.bak)/.exec((failure as { hint: string }).hint)?.[1] ?? '';
    expect(readFileSync(file, 'latin1')).toBe(foreign);
  });

  test('the write is refused: told, and nothing changed', async () => {
    const user = fakeUser();
    user.write(foreign);
    user.program(
      'crontab',
      `case "$1" in -l) cat "$FAKE_CRONTAB" ;; -) cat >/dev/null; echo "errors in crontab file, can't install." >&2; exit 1 ;; esac`,
    );
    await expect(user.install()).rejects.toMatchObject({
      message: expect.stringMatching(/writing the crontab failed.*can't install/),
    });
    expect(user.crontab()).toBe(foreign);
  });

  test('markers that do not match: nothing is written, by install nor by remove', async () => {
    const user = fakeUser();
    const text = `${foreign}# >>> devenv:0123456789abcd (managed, v1) >>>\n1 1 * * * x\n`;
    user.write(text);
    await expect(user.install()).rejects.toMatchObject({ code: 'refused' });
    await expect(user.install({ backend: 'auto' })).rejects.toBeInstanceOf(Error);
    await expect(removeJob(user.deps, user.project.id)).rejects.toMatchObject({ code: 'refused' });
    expect(user.crontab()).toBe(text);
    expect(user.writes()).toBe(0);
  });

  test('busybox says otherwise that there is none', async () => {
    const user = fakeUser();
    user.program(
      'crontab',
      `case "$1" in -l) [ -f "$FAKE_CRONTAB" ] && cat "$FAKE_CRONTAB" && exit 0; echo "crontab: can't open 'root': No such file or directory" >&2; exit 1 ;; -) cat >"$FAKE_CRONTAB" ;; esac`,
    );
    await user.install();
    expect(user.crontab()).toMatch(/^# >>> devenv/);
  });
});

describe('what has drifted', () => {
  const driftOf = async (user: FakeUser): Promise<string> =>
    (await listJobs(user.deps)).jobs.flatMap((job) => job.drift).join('\n');

  test.each<[what: string, damage: (user: FakeUser) => void, says: string]>([
    ['edited by hand', (user) => user.write((user.crontab() ?? '').replace('17 4', '18 4')), 'were edited'],
    ['taken out by hand', (user) => user.write(''), 'not in the crontab any more'],
    [
      'its script is gone',
      (user) => rmSync(readJob(user.env, user.project.id)?.wrapper ?? ''),
      'which is gone',
    ],
    [
      'its project is gone',
      (user) => rmSync(user.project.root, { recursive: true }),
      'cron remove --id 0123456789abcd',
    ],
    [
      'what was scheduled is lost',
      (user) => rmSync(path.join(stateOf(user), user.project.id, 'job.json')),
      'not known any more',
    ],
    ['the crontab cannot be read', (user) => user.program('crontab', 'exit 3'), 'reading the crontab failed'],
  ])('%s', async (_, damage, says) => {
    const user = fakeUser();
    await user.install();
    expect(await driftOf(user)).not.toContain(says);
    damage(user);
    expect(await driftOf(user)).toContain(says);
  });

  test('installing again mends it', async () => {
    const user = fakeUser();
    await user.install();
    user.write((user.crontab() ?? '').replace('17 4', '18 4'));
    expect(await user.install()).toMatchObject({ changed: true });
    expect(await driftOf(user)).not.toContain('edited');
  });
});

describe('the script', () => {
  const runIt = async (wrapper: string, home: string, ...args: string[]) =>
    run(['/usr/bin/env', '-i', 'PATH=/usr/bin:/bin', `HOME=${home}`, 'SHELL=/bin/sh', wrapper, ...args]);

  test('it has its own PATH, an absolute Node, no secret, and writes what is printed to a log', async () => {
    const user = fakeUser({ MY_TOKEN: 'hunter2-hunter2', LANG: 'de_DE.UTF-8', DEVENV_TMUX_SOCKET: 'mine' });
    const { job } = await user.install();
    const text = readFileSync(job.wrapper, 'utf8');
    expect(text).toContain(`PATH=${user.env['PATH']}`);
    expect(text).toContain('LANG=de_DE.UTF-8');
    expect(text).toContain('DEVENV_TMUX_SOCKET=mine');
    expect(text).toContain(process.execPath);
    expect(text).not.toContain('hunter2');
    // Any program can stand for devenv here: what counts is what it is given.
    const spy = path.join(user.project.root, 'spy.mjs');
    writeFileSync(
      spy,
      'console.log(JSON.stringify([process.argv.slice(2), process.cwd(), process.env.PATH, process.env.XDG_STATE_HOME]))',
    );
    writeFileSync(job.wrapper, text.replaceAll(job.program, spy));
    const ran = await runIt(job.wrapper, user.env['HOME'] ?? '', '--if-missed');
    expect(ran).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const log = readFileSync(path.join(path.dirname(job.wrapper), 'output.log'), 'utf8');
    expect(JSON.parse(log)).toEqual([
      ['nightly', '--if-missed'],
      user.project.root,
      user.env['PATH'],
      user.env['XDG_STATE_HOME'],
    ]);
  });

  test.each(['node', 'program'] as const)('where %s is gone it says so in the log', async (what) => {
    const user = fakeUser();
    const { job } = await user.install();
    const text = readFileSync(job.wrapper, 'utf8');
    writeFileSync(job.wrapper, text.replaceAll(job[what], '/nowhere/at all'));
    const ran = await runIt(job.wrapper, user.env['HOME'] ?? '');
    expect(ran.code).not.toBe(0);
    const log = readFileSync(path.join(path.dirname(job.wrapper), 'output.log'), 'utf8');
    expect(log).toContain('gone: /nowhere/at');
  });

  test('a log of a megabyte is put aside', async () => {
    const user = fakeUser();
    const { job } = await user.install();
    const log = path.join(path.dirname(job.wrapper), 'output.log');
    writeFileSync(log, 'x'.repeat(1_100_000));
    writeFileSync(job.wrapper, readFileSync(job.wrapper, 'utf8').replaceAll(job.program, '/nowhere'));
    await runIt(job.wrapper, user.env['HOME'] ?? '');
    expect(statSync(`${log}.1`).size).toBe(1_100_000);
    expect(statSync(log).size).toBeLessThan(1000);
  });
});
