import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findFreePort } from '../../src/ports/index.ts';
import { devenv, devenvJson } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject, writeFiles } from '../support/project.ts';
import { until } from '../support/until.ts';

/** A service outlives its session (a tmux server that is killed, a service that a hang-up does not end). */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const server = `process.on('SIGHUP', () => {});
require('node:http').createServer((_, answer) => answer.end('hello')).listen(process.env.PORT);
require('node:fs').writeFileSync('pid', String(process.pid));
`;

/** Starts a session with a service, and takes its tmux server away. */
async function abandoned(): Promise<{ cwd: string; env: NodeJS.ProcessEnv; pid: number; yaml: string }> {
  const port = await findFreePort(23_000 + (process.pid % 5000));
  const yaml = `name: shop\nwindows:\n  api: { command: node server.cjs, port: ${port}, ready: "tcp://localhost:${port}" }\n`;
  const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml, 'server.cjs': server } });
  const at = { cwd, env: world.env };
  expect(await devenv(['start', '--detach'], at)).toMatchObject({ code: 0 });
  const pid = Number(readFileSync(path.join(cwd, 'pid'), 'utf8'));
  const tmux = Number(await world.tmux('display-message', '-p', '#{pid}'));
  process.kill(tmux, 'SIGKILL');
  await until('tmux is gone', () => !alive(tmux));
  return { ...at, pid, yaml };
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('start ends what is left in the way of that window, and says so', async () => {
  const { cwd, env, pid } = await abandoned();
  expect(alive(pid)).toBe(true);
  const { code, stderr } = await devenv(['start', '--detach'], { cwd, env });
  expect(stderr).toMatch(
    new RegExp(`api: ended what an earlier session left behind .*process ${pid}, node server.cjs`),
  );
  expect(code).toBe(0);
  expect(alive(pid)).toBe(false);
});

test('start ends it also when its window has another name by now; doctor names it before', async () => {
  const { cwd, env, pid, yaml } = await abandoned();
  writeFiles(cwd, 'devenv.yaml', yaml.replace('api:', 'web:'));
  const { checks } = await devenvJson<{ checks: { name: string; message: string; remedy: string }[] }>(
    ['doctor'],
    { cwd, env },
  );
  expect(checks.filter(({ name }) => name === 'ports')).toEqual([]);
  expect(checks.find(({ name }) => name === 'processes')).toMatchObject({
    message: expect.stringContaining(`pid ${pid}: node server.cjs`) as string,
    remedy: 'devenv stop ends them',
  });
  const { code, stderr } = await devenv(['start', '--detach'], { cwd, env });
  expect(stderr).toMatch(
    new RegExp(`web: ended what an earlier session left behind .*process ${pid}, node server.cjs`),
  );
  expect([code, alive(pid)]).toEqual([0, false]);
  const after = await devenv(['doctor'], { cwd, env });
  expect(after.stdout).toMatch(/ports: free or ours/);
  expect(after.stdout).not.toMatch(/processes:/);
});

test('stop ends it while another session runs, and says so', async () => {
  const { cwd, env, pid } = await abandoned();
  writeFiles(cwd, 'devenv.yaml', 'name: shop\nwindows:\n  other: { command: sleep 1000 }\n');
  expect(await devenv(['start', '--detach', '--no-wait'], { cwd, env })).toMatchObject({ code: 0 });
  expect(alive(pid)).toBe(true);
  const { code, stdout } = await devenv(['stop'], { cwd, env });
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^session shop stopped; ended \d process/)]);
  expect(alive(pid)).toBe(false);
  const again = await devenv(['stop'], { cwd, env });
  expect(again.stdout).not.toContain('ended');
});

test('the service of another project is not ended: its process is named', async () => {
  const { env, pid, yaml } = await abandoned();
  const cwd = await makeProject(env, { files: { 'devenv.yaml': yaml, 'server.cjs': server } });
  const { code, stderr } = await devenv(['start', '--detach'], { cwd, env });
  expect(code).toBe(3);
  expect(stderr).toContain(`is taken by process ${pid} (node server.cjs, window api of session shop`);
  expect(alive(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
});
