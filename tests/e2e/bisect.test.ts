import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isAlive, listProcesses, packageRoot, stateDir } from '../../src/base/index.ts';
import { makeLine, type BisectJson, type Line } from '../bisect/support.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { until } from '../support/until.ts';

const program = path.join(packageRoot(), 'bin/devenv.js');
const states = ['good 0', 'good 1', 'good 2', 'wait 3', 'good 4', 'bad 5', 'bad 6', 'bad 7'];

/** Starts a bisect and ends it with a signal while its third run waits; says how it ended and which process waited. */
async function endedInTheMiddle(
  line: Line,
  signal: 'SIGKILL' | 'SIGINT',
): Promise<{ readonly code: number | null; readonly waited: number }> {
  const child = spawn(process.execPath, [program, 'bisect', '--bad', 'last'], {
    cwd: line.t.dir,
    env: line.ctx.env,
    stdio: 'ignore',
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const file = `${line.ctx.env['RUNS_LOG']}.waits`;
  await until('the run that waits', () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  const waited = Number(readFileSync(file, 'utf8'));
  child.kill(signal);
  return { code: await ended, waited };
}

async function running(pid: number): Promise<boolean> {
  return isAlive(pid) && (await listProcesses()).some((one) => one.pid === pid);
}

test('killed with -9 in a run, it goes on where it was, ends what was left running, and finds it', async () => {
  const line = await makeLine(states);
  const { code, waited } = await endedInTheMiddle(line, 'SIGKILL');
  expect(code).toBeNull();
  expect(line.runs()).toEqual(['bad 7', 'bad 7', 'good 0', 'wait 3']);
  expect(await running(waited)).toBe(true);
  // The work tree is free meanwhile.
  line.t.write('state.txt', 'good edited since\n');
  writeFileSync(`${line.ctx.env['RUNS_LOG']}.go`, '');
  const result = await devenv(['bisect'], { cwd: line.t.dir, env: line.ctx.env });
  expect(result.stderr).toContain(
    `continuing the bisect from ${line.tags[0]} to ${line.tags[7]}: 7 of 7 left after 2 results`,
  );
  expect(result.stdout).toContain(`the first bad one is ${line.tags[5]}`);
  expect(result.stdout).toContain('-good 4\n+bad 5\n');
  expect(result.code).toBe(0);
  expect(line.runs()).toEqual(['wait 3', 'bad 5', 'bad 5', 'good 4']);
  expect(await running(waited)).toBe(false);
  expect(line.t.read('state.txt')).toBe('good edited since\n');
  expect(readdirSync(path.join(stateDir(line.t.env), 'scratch'))).toEqual([]);
  expect((await line.t.git('worktree', 'list')).split('\n')).toHaveLength(1);
}, 60_000);

test('Ctrl-C ends the run with all its processes, with 130; --reset forgets', async () => {
  const line = await makeLine(states);
  const { code, waited } = await endedInTheMiddle(line, 'SIGINT');
  expect(code).toBe(130);
  expect(await running(waited)).toBe(false);
  expect(readdirSync(path.join(stateDir(line.t.env), 'scratch'))).toEqual([]);
  expect((await devenv(['bisect', '--bad', '-2'], { cwd: line.t.dir, env: line.ctx.env })).code).toBe(5);
  expect(await devenvJson(['bisect', '--reset'], { cwd: line.t.dir, env: line.ctx.env })).toEqual({
    forgotten: true,
  });
  expect(await line.t.git('for-each-ref', 'refs/devenv/bisect')).toBe('');
}, 60_000);

test('the exit status and the document', async () => {
  const line = await makeLine(['good 0', 'broken 1', 'bad 2']);
  const at = { cwd: line.t.dir, env: line.ctx.env };
  const unclear = await devenv(['bisect', '--bad', 'last', '--suite', 'unit', '--json'], at);
  expect(unclear.code).toBe(1);
  const said = JSON.parse(unclear.stdout) as BisectJson;
  expect(said).toMatchObject({ verdict: 'cannot-tell', firstBad: null });
  expect(said.suspects.map((one) => one.name)).toEqual([line.tags[1], line.tags[2]]);
  expect((await devenv(['bisect', '--bad', 'last', '--run', 'true'], at)).code).toBe(1);
  expect((await devenv(['bisect', '--good', 'nonsense'], at)).code).toBe(4);
  expect((await devenv(['bisect', '--suite', 'unit', '--run', 'true'], at)).code).toBe(2);
}, 60_000);
