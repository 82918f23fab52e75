import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runSuite } from '../../src/suites/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

// Which reports a run wrote itself, and where they are looked for.

const execute = (root: string, command: string, results: string) =>
  runSuite(
    { name: 'unit', command, results, affected: 'off', timeoutMs: 30_000, on: 'change', env: {}, cwd: root },
    { env: testEnv(), root },
  );
const green = '<testsuite><testcase name="a"/></testsuite>';
const red = '<testsuite><testcase name="b"><failure message="no"/></testcase></testsuite>';

/** A report outside the project, written so long ago. */
function reportOf(agoSeconds: number): string {
  const file = path.join(tempDir(), 'copy.xml');
  writeFileSync(file, green);
  const when = Date.now() / 1000 - agoSeconds;
  utimesSync(file, when, when);
  return file;
}

describe('a report that the suite only puts into place', () => {
  test.each([
    ['a copy with its date', 'cp -p COPY junit.xml', 'broken'],
    ['moved there', 'mv COPY junit.xml', 'broken'],
    ['a link', 'ln -s COPY junit.xml', 'broken'],
    ['a hard link', 'ln COPY junit.xml', 'broken'],
    ['unpacked', 'tar -C "$(dirname COPY)" -c copy.xml | tar -x; mv copy.xml junit.xml', 'broken'],
    ['a copy, which is written', 'cp COPY junit.xml', 'passed'],
  ])('%s', async (_, command, verdict) => {
    const found = await execute(tempDir(), command.replaceAll('COPY', reportOf(3600)), 'junit.xml');
    expect(found.verdict).toBe(verdict);
    expect(found.why).toBe(
      verdict === 'passed' ? undefined : 'junit.xml was written before the run: it tells of another one',
    );
  });

  test('of an earlier run, in its own place', async () => {
    const root = tempDir();
    writeFileSync(path.join(root, 'junit.xml'), green);
    utimesSync(path.join(root, 'junit.xml'), 1e9, 1e9);
    expect(await execute(root, `cp -p ${reportOf(3600)} junit.xml`, 'junit.xml')).toMatchObject({
      verdict: 'broken',
    });
  });

  test('written in the run, then moved or copied with its date, by a clock that differs a little', async () => {
    const command = `mkdir t; cp ${reportOf(3600)} t/j.xml; touch -d '3 seconds ago' t/j.xml; cp -p t/j.xml junit.xml`;
    expect(await execute(tempDir(), command, 'junit.xml')).toMatchObject({ verdict: 'passed' });
  });

  test('in a folder beside a new one', async () => {
    const command = `mkdir out; echo '${green}' > out/new.xml; cp -p ${reportOf(3600)} out/old.xml`;
    expect(await execute(tempDir(), command, 'out')).toMatchObject({
      verdict: 'broken',
      why: expect.stringContaining('out/old.xml was written before the run'),
    });
  });
});

describe('a folder of reports', () => {
  test('with folders in it', async () => {
    const command = `mkdir -p out/b/c; echo '${green}' > out/a.xml; echo '${red}' > out/b/c/b.xml`;
    expect(await execute(tempDir(), command, 'out')).toMatchObject({
      verdict: 'failed',
      passed: 1,
      failed: 1,
    });
  });

  test('old ones below do not count, and come back', async () => {
    const root = tempDir();
    mkdirSync(path.join(root, 'out/b'), { recursive: true });
    const old = path.join(root, 'out/b/old.xml');
    writeFileSync(old, red);
    const command = `test ! -e out/b/old.xml && echo '${green}' > out/b/new.xml`;
    expect(await execute(root, command, 'out')).toMatchObject({ verdict: 'passed', passed: 1, failed: 0 });
    expect(readFileSync(old, 'utf8')).toBe(red);
  });

  test('links and packages are not followed', async () => {
    const root = tempDir();
    const other = tempDir();
    writeFileSync(path.join(other, 'other.xml'), red);
    mkdirSync(path.join(root, 'out/node_modules'), { recursive: true });
    symlinkSync(other, path.join(root, 'out/link'));
    symlinkSync(path.join(root, 'out'), path.join(root, 'out/loop'));
    const command = `echo '${green}' > out/a.xml; echo '${red}' > out/node_modules/x.xml; echo '${red}' > out/link/new.xml`;
    expect(await execute(root, command, 'out')).toMatchObject({ verdict: 'passed', passed: 1 });
    expect(existsSync(path.join(other, 'other.xml'))).toBe(true);
  });

  test('that is the project itself is not searched: its files are not results', async () => {
    const root = tempDir();
    mkdirSync(path.join(root, 'tests'));
    writeFileSync(path.join(root, 'tests/fixture.xml'), red);
    expect(await execute(root, `cat tests/fixture.xml && echo '${green}' > a.xml`, '.')).toMatchObject({
      verdict: 'passed',
    });
  });

  test.skipIf(process.getuid?.() === 0)('with one that cannot be read', async () => {
    const root = tempDir();
    const command = `mkdir -p out/b; echo '${green}' > out/a.xml; chmod 0 out/b`;
    expect(await execute(root, command, 'out')).toMatchObject({ verdict: 'broken' });
    chmodSync(path.join(root, 'out/b'), 0o700);
  });

  test('deep ones too', async () => {
    const root = tempDir();
    execFileSync('mkdir', ['-p', path.join(root, 'out/1/2/3/4/5/6/7/8')]);
    expect(await execute(root, `echo '${red}' > out/1/2/3/4/5/6/7/8/b.xml`, 'out')).toMatchObject({
      verdict: 'failed',
    });
  });
});
