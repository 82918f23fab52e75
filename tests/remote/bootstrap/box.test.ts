import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, self } from '../../../src/base/index.ts';
import type { Box } from '../../support/box.ts';
import { tempDir } from '../../support/temp.ts';
import { until } from '../../support/until.ts';
import { atHome, bareBox, build, dataOf, giveNode, installed, listData, withCache } from './kit.ts';

const runtime = `node-${self.nodeVersion}-linux-${self.arch}`;

describe('a bare box', () => {
  let box: Box;
  beforeAll(async () => {
    box = await bareBox();
  });
  afterAll(() => box.end());

  it('is given devenv and a Node at first use; the command runs, the next finds it there', async () => {
    const first = await atHome(box, ['doctor', '--json', '--host', box.host]);
    expect(first.stderr).toMatch(/installing devenv \S+ and Node \S+ there \(4\d\.\d MB\), once/);
    expect(first.stderr).toContain(`${box.host} lacks tmux and git; install it there: `);
    expect(JSON.parse(first.stdout)).toHaveProperty('checks');
    // One exec that finds nothing there, the probe, the install, the command.
    expect(box.execs()).toBe(4);
    const again = await atHome(box, ['doctor', '--json', '--host', box.host]);
    expect(again.stderr).toBe('');
    expect(box.execs()).toBe(5);
  }, 120_000);

  it('has the build, its node, a link to it and a program for people; nothing else is left', async () => {
    const data = dataOf(box);
    expect(listData(box)).toEqual(installed);
    const node = `${data}/runtimes/${runtime}/bin/node`;
    expect(readFileSync(path.join(data, build, '.ok'), 'utf8')).toBe(`${node}\n`);
    const version = await run([path.join(data, 'bin/devenv'), '--version'], { env: {} });
    expect(version.stdout).toBe(`${build.split('+')[0]}\n`);
  });

  it('runs there what needs the vendors that were sent', async () => {
    const cwd = tempDir('project');
    const there = path.join(box.home, path.basename(cwd));
    mkdirSync(there);
    writeFileSync(path.join(there, 'devenv.yaml'), 'windows: { api: { command: [1] } }\n');
    const wrong = await atHome(box, ['config', 'show', '--host', box.host], { cwd });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('devenv.yaml:1:19: windows.api.command must be text, not a list');
    const shown = await atHome(box, ['config', 'schema', '--host', box.host, '--json'], { cwd });
    expect(JSON.parse(shown.stdout)).toHaveProperty('properties.windows');
    const nested = await run([path.join(dataOf(box), 'bin/devenv'), 'doctor', '--host', 'other'], {
      env: { HOME: box.home },
    });
    expect(nested.code).toBe(3);
    expect(nested.stderr).toMatch(/^devenv: this devenv was brought to a remote box/);
  });

  it('is left without a trace', async () => {
    const removed = await atHome(box, ['host', 'remove', box.host]);
    expect(removed.stdout).toBe(`${box.host}: devenv is gone from there\n`);
    const left = readdirSync(box.home, { recursive: true }).map(String);
    expect(left.filter((name) => name.startsWith('.') && name.includes('devenv'))).toEqual([]);
    expect(readdirSync(path.join(box.env['XDG_RUNTIME_DIR'] ?? '', 'devenv'))).toEqual([]);
  });

  it('an upload that is cut leaves nothing, and can be done again', async () => {
    const slow = await bareBox({ port: true });
    try {
      await atHome(slow, ['host', 'check', slow.host]);
      const going = atHome(slow, ['host', 'bootstrap', slow.host]);
      await until('something has come', () => {
        const coming = listData(slow).find((name) => name.startsWith('.in-'));
        return statSync(path.join(dataOf(slow), coming ?? '', 'all')).size > 1e6;
      });
      slow.proxy?.cut('rst');
      const cut = await going;
      expect(cut.code, cut.stderr).toBe(3);
      expect(cut.stderr).toMatch(/connection was lost/);
      await until('what had come is removed', () => !listData(slow).some((name) => name.startsWith('.in-')));
      expect(listData(slow)).toEqual(['bin', 'run', 'runtimes']);
      const again = await atHome(slow, ['host', 'bootstrap', slow.host]);
      expect(again.code, again.stderr).toBe(0);
      expect(listData(slow)).toEqual(installed);
    } finally {
      await slow.end();
    }
  }, 120_000);

  it('a packed Node that is damaged here is seen there, and packed again', async () => {
    const env = { ...withCache(box), XDG_CACHE_HOME: path.join(box.dir, 'cache') };
    const file = path.join(box.dir, 'cache/devenv/runtimes', `${runtime}.gz`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'no gzip');
    const failed = await atHome(box, ['host', 'bootstrap', box.host], { env });
    expect(failed.code).toBe(3);
    expect(failed.stderr).toMatch(/the install failed: .*gzip/);
    expect(existsSync(file)).toBe(false);
    expect(listData(box)).toEqual(['bin', 'run', 'runtimes']);
  }, 60_000);
});

describe('a box with a Node', () => {
  let box: Box;
  beforeAll(async () => {
    box = await bareBox({ node: true });
  });
  afterAll(() => box.end());
  const bootstrap = (...more: string[]): ReturnType<typeof atHome> =>
    atHome(box, ['host', 'bootstrap', box.host, '--json', ...more]);
  const facts = (result: {
    readonly stdout: string;
  }): { readonly node: string; readonly reused: boolean; readonly sent: number } => JSON.parse(result.stdout);

  it('two installs at once both succeed, and little is sent', async () => {
    const both = await Promise.all([bootstrap(), bootstrap()]);
    for (const result of both) {
      expect(result.code, result.stderr).toBe(0);
      expect(facts(result).node).toBe(path.join(box.dir, 'bin/node'));
      // No Node with it. How large it may be is measured in bench/.
      expect(facts(result).sent).toBeLessThan(1_000_000);
    }
    expect(listData(box)).toEqual(installed);
    expect(facts(await bootstrap())).toMatchObject({ reused: true, sent: 0 });
    expect(facts(await bootstrap('--force'))).toMatchObject({ reused: false });
    expect(listData(box)).toEqual(installed);
  }, 60_000);

  it('when that Node goes, the next command finds another', async () => {
    rmSync(path.join(box.dir, 'bin/node'));
    const gone = await run([path.join(dataOf(box), 'bin/devenv'), 'status'], { env: {} });
    expect(gone.code).toBe(3);
    expect(gone.stderr).toMatch(/the Node it runs with is gone/);
    const other = giveNode(path.join(box.home, '.nvm/versions/node/v99.0.0/bin'));
    const again = await atHome(box, ['doctor', '--json', '--host', box.host]);
    expect(JSON.parse(again.stdout), again.stderr).toHaveProperty('checks');
    expect(readFileSync(path.join(dataOf(box), build, '.ok'), 'utf8')).toBe(`${other}\n`);
  }, 60_000);

  it('older builds go, but for the one before, those at work and one that is scheduled', async () => {
    const data = dataOf(box);
    const old = ['0.0.1+aaaaaaaa', '0.0.1+bbbbbbbb', '0.0.2+cccccccc', '0.0.2+dddddddd', '0.0.2+eeeeeeee'];
    const [before = '', works = '', called = '', nightly = ''] = old;
    for (const name of old) {
      mkdirSync(path.join(data, name, 'bin'), { recursive: true });
      writeFileSync(path.join(data, name, '.ok'), `${data}/runtimes/node-${name.slice(0, 5)}/bin/node\n`);
    }
    for (const name of ['node-0.0.1', 'node-0.0.2', 'node-0.0.3'])
      mkdirSync(path.join(data, 'runtimes', name));
    rmSync(path.join(data, 'current'));
    symlinkSync(before, path.join(data, 'current'));
    const program = path.join(data, works, 'bin/devenv.js');
    writeFileSync(program, 'setInterval(() => {}, 1000)');
    // A session of another build: its panes call a small program in the state folder.
    const shim = path.join(box.home, '.local/state/devenv/bin/0123');
    mkdirSync(shim, { recursive: true });
    writeFileSync(path.join(shim, 'devenv'), `exec node ${data}/${called}/bin/devenv.js "$@"\n`);
    const job = path.join(box.home, '.local/state/devenv/cron/p1');
    mkdirSync(job, { recursive: true });
    writeFileSync(path.join(job, 'nightly'), `exec node ${data}/${nightly}/bin/devenv.js nightly\n`);
    const env = { DEVENV_TEST_ID: box.env['DEVENV_TEST_ID'], DEVENV_PANE_DEVENV: `${shim}/devenv` };
    const children = [
      spawn(self.execPath, [program], { env: { DEVENV_TEST_ID: env.DEVENV_TEST_ID }, stdio: 'ignore' }),
      spawn(self.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env, stdio: 'ignore' }),
    ];
    try {
      const result = await bootstrap('--force');
      expect(result.code, result.stderr).toBe(0);
      expect(listData(box).filter((name) => name.includes('+'))).toEqual(
        [before, works, called, nightly, build].toSorted(),
      );
      expect(readdirSync(path.join(data, 'runtimes')).toSorted()).toEqual(['node-0.0.1', 'node-0.0.2']);
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
    const result = await bootstrap('--force');
    expect(result.code, result.stderr).toBe(0);
    expect(listData(box).filter((name) => name.includes('+'))).toEqual([before, nightly, build].toSorted());
  }, 60_000);
});
