import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, self } from '../../src/base/index.ts';
import { makeBox, type Box } from '../support/box.ts';
import { devenv } from '../support/cli.ts';
import { tempDir } from '../support/temp.ts';

const dataOf = (box: Box): string => path.join(box.home, '.local/share/devenv');

describe('a bare box', () => {
  let box: Box;
  const here = tempDir('project');
  beforeAll(async () => {
    box = await makeBox({ without: ['node', 'nodejs', 'npm', 'npx', 'tmux', 'git'] });
  });
  afterAll(() => box.end());

  it('is given devenv and a Node at first use; the command runs, the next finds it there', async () => {
    const first = await devenv(['doctor', '--json', '--host', box.host], { cwd: here, env: box.env });
    expect(first.stderr).toMatch(/installing devenv \S+ and Node \S+ there \(4\d\.\d MB\), once/);
    expect(first.stderr).toContain(`${box.host} lacks tmux and git; install it there: `);
    expect(JSON.parse(first.stdout)).toHaveProperty('checks');
    // One exec that finds nothing there, the probe, the install, the command.
    expect(box.execs()).toBe(4);
    const again = await devenv(['doctor', '--json', '--host', box.host], { cwd: here, env: box.env });
    expect(again.stderr).toBe('');
    expect(box.execs()).toBe(5);
  }, 120_000);

  it('runs every command there, those with a bundle of their own here too', async () => {
    for (const command of ['status', 'start', 'checkpoint']) {
      const result = await devenv([command, '--host', box.host], { cwd: here, env: box.env });
      expect(result.code).toBe(3);
      expect(result.stderr).toMatch(/^devenv: .*(tmux|git|has no ~)/);
    }
  });

  it('has the build, its node, a link to it and a program for people; nothing else is left', async () => {
    const data = dataOf(box);
    const build = readFileSync('dist/build-id', 'utf8').trim();
    expect(readdirSync(data).toSorted()).toEqual(
      [build, 'bin', 'current', 'path', 'run', 'runtimes'].toSorted(),
    );
    const node = `${data}/runtimes/node-${self.nodeVersion}-linux-${self.arch}/bin/node`;
    expect(readFileSync(path.join(data, build, '.ok'), 'utf8')).toBe(`${node}\n`);
    const version = await run([path.join(data, 'bin/devenv'), '--version'], { env: {} });
    expect(version.stdout).toBe(`${build.split('+')[0]}\n`);
  });
});
