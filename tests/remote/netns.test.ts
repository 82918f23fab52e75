import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/base/index.ts';
import { installDevenv, makeBox, type Box } from '../support/box.ts';
import { devenv } from '../support/cli.ts';
import { makeProject } from '../support/project.ts';
import { shopFiles } from './support.ts';

const id = String(process.pid);
const netns = { near: `devenv-${id}-near`, far: `devenv-${id}-far` };
const ip = (...args: string[]): ReturnType<typeof run> => run(['ip', ...args]);
const works = (await ip('netns', 'add', netns.near)).ok;

/** Two hosts in networks of their own: `near` is one hop away, `far` can only be reached from `near`. */
describe.skipIf(!works)('two hosts in network namespaces (skipped where ip netns does not work)', () => {
  const net = `10.213.${process.pid % 250}`;
  const wide = `10.214.${process.pid % 250}`;
  const link = `dv${id.slice(-6)}`;
  const boxes: Box[] = [];
  let project = '';
  let env: NodeJS.ProcessEnv = {};

  beforeAll(async () => {
    for (const args of [
      ['netns', 'add', netns.far],
      ['link', 'add', `${link}a`, 'type', 'veth', 'peer', 'name', `${link}b`, 'netns', netns.near],
      ['addr', 'add', `${net}.1/24`, 'dev', `${link}a`],
      ['link', 'set', `${link}a`, 'up'],
      ['-n', netns.near, 'addr', 'add', `${net}.2/24`, 'dev', `${link}b`],
      ['-n', netns.near, 'link', 'set', `${link}b`, 'up'],
      ['-n', netns.near, 'link', 'set', 'lo', 'up'],
      [
        '-n',
        netns.near,
        'link',
        'add',
        `${link}c`,
        'type',
        'veth',
        'peer',
        'name',
        `${link}d`,
        'netns',
        netns.far,
      ],
      ['-n', netns.near, 'addr', 'add', `${wide}.1/24`, 'dev', `${link}c`],
      ['-n', netns.near, 'link', 'set', `${link}c`, 'up'],
      ['-n', netns.far, 'addr', 'add', `${wide}.2/24`, 'dev', `${link}d`],
      ['-n', netns.far, 'link', 'set', `${link}d`, 'up'],
      ['-n', netns.far, 'link', 'set', 'lo', 'up'],
    ]) {
      const result = await ip(...args);
      if (!result.ok) throw new Error(`ip ${args.join(' ')}: ${result.stderr}`);
    }
    const near = await makeBox({ netns: { name: netns.near, address: `${net}.2` } });
    const far = await makeBox({
      netns: { name: netns.far, address: `${wide}.2` },
      client: [`ProxyJump ${near.host}`],
    });
    boxes.push(near, far);
    project = await makeProject(near.env, { files: shopFiles });
    for (const box of boxes) {
      installDevenv(box);
      await box.there(['cp', '-a', project, box.home]);
    }
    const config = path.join(near.dir, 'both');
    writeFileSync(config, boxes.map((box) => readFileSync(box.sshConfig, 'utf8')).join('\n'));
    env = { ...near.env, DEVENV_SSH_CONFIG: config };
    writeFileSync(
      path.join(project, 'devenv.local.yaml'),
      `hosts:\n  near: { ssh: ${near.host} }\n  far: { ssh: ${far.host} }\n`,
    );
  });

  afterAll(async () => {
    for (const box of boxes) {
      await run(['ssh', '-F', env['DEVENV_SSH_CONFIG'] ?? '', '-O', 'exit', box.host], { env });
      await box.end();
    }
    for (const name of Object.values(netns)) await ip('netns', 'del', name);
    await ip('link', 'del', `${link}a`);
  });

  const run_ = (...args: string[]): ReturnType<typeof devenv> => devenv(args, { cwd: project, env });

  it('reaches the far one through the near one, as ssh is configured', { timeout: 90_000 }, async () => {
    const start = await run_('start', '--detach', '--host', 'far');
    expect(start).toMatchObject({ code: 0 });
    const facts = JSON.parse((await run_('status', '--json', '--host', 'far')).stdout) as {
      running: boolean;
    };
    expect(facts.running).toBe(true);
    // The same port number on both is no trouble: each has a network of its own.
    expect(await run_('start', '--detach', '--host', 'near')).toMatchObject({ code: 0 });
  });

  it(
    'shows both at once, and one that has lost its network as it was last seen',
    { timeout: 90_000 },
    async () => {
      const both = await run_('status', '--host', 'all');
      expect(both.stdout).toMatch(/near +shop/);
      expect(both.stdout).toMatch(/far +shop/);
      await ip('-n', netns.near, 'link', 'set', `${link}c`, 'down');
      const { hosts } = JSON.parse((await run_('status', '--host', 'all', '--json')).stdout) as {
        hosts: {
          host: string;
          ok: boolean;
          error: { code: string } | null;
          status: { running: boolean } | null;
        }[];
      };
      expect(hosts.map(({ host, ok }) => [host, ok])).toEqual([
        ['near', true],
        ['far', false],
      ]);
      expect(hosts[1]).toMatchObject({ error: { code: 'timeout' }, status: { running: true } });
      await ip('-n', netns.near, 'link', 'set', `${link}c`, 'up');
    },
  );

  it('finds no way when the near one is down', { timeout: 90_000 }, async () => {
    const socketless = { ...env, XDG_RUNTIME_DIR: path.dirname(env['XDG_RUNTIME_DIR'] ?? '') };
    await ip('link', 'set', `${link}a`, 'down');
    const result = await devenv(['status', '--host', 'near'], { cwd: project, env: socketless });
    await ip('link', 'set', `${link}a`, 'up');
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/^devenv: near: (there is no way|no answer)/);
  });
});
