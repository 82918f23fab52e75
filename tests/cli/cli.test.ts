import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot, run } from '../../src/base/index.ts';
import { commandTable } from '../../src/cli/commands.ts';
import { devenv } from '../support/cli.ts';
import { tempDir, testEnv } from '../support/temp.ts';

const bin = path.join(packageRoot(), 'bin/devenv.js');

describe('the command line', () => {
  it('says its version, quickly and in full', async () => {
    const { version } = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as {
      version: string;
    };
    for (const args of [['--version'], ['-V'], ['--version', '-q']]) {
      const result = await devenv(args, { cwd: tempDir(), env: testEnv() });
      expect(result).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    }
  });

  it.each(commandTable.map((row) => [row.name, row] as const))(
    '%s has help with its example',
    async (name, row) => {
      const result = await devenv([name, '--help'], { cwd: tempDir(), env: testEnv() });
      expect(result.code).toBe(0);
      expect(result.stdout).toContain('--json');
      expect(result.stdout).toContain(row.example);
    },
  );

  it.each(
    commandTable.flatMap(({ name, actions = {} }) =>
      Object.entries(actions).map(([action, spec]) => [`${name} ${action}`, spec] as const),
    ),
  )('%s has help of its own, with its options and no others', async (words, { options = [], example }) => {
    const { code, stdout } = await devenv([...words.split(' '), '--help'], {
      cwd: tempDir(),
      env: testEnv(),
    });
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: devenv ${words} [options]`);
    expect(stdout).toContain(example);
    const shown = [...stdout.matchAll(/^  (--[\w-]+)/gm)].map(([, flags]) => flags);
    const common = ['--json', '--cwd', '--host', '--accept-new-host-key'];
    expect(shown).toEqual([...options.map(([flags]) => flags.split(' ')[0]), ...common]);
  });

  it('lists every command but hidden ones, on standard output', async () => {
    const result = await devenv([], { cwd: tempDir(), env: testEnv() });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    for (const row of commandTable)
      expect(new RegExp(`^  ${row.name}\\b`, 'm').test(result.stdout)).toBe(!row.hidden);
  });

  it('a folder whose name is no UTF-8 is told as what it is', () => {
    const dir = `${tempDir()}/$(printf 'p\\377p')`;
    const script = `mkdir "${dir}" && cd "${dir}" && exec "${process.execPath}" "${bin}" status 2>&1`;
    const { status, stdout } = spawnSync('sh', ['-c', script], { env: testEnv(), encoding: 'utf8' });
    expect(status).toBe(3);
    expect(stdout).toMatch(/the path of the current directory is not UTF-8 text: .*\n.*rename/);
  });

  it.each([
    [['strat'], /unknown command 'strat'.*\n.*Did you mean start/],
    [['start', '--detahc'], /unknown option '--detahc'.*\n.*Did you mean --detach.*devenv start --help/],
    [['run'], /missing required argument/],
    [['help', 'strat'], /unknown command 'strat'\n/],
    [['config', 'shwo'], /must be one of show, schema, path, not "shwo"/],
    [['status', '--cwd', '/etc/passwd'], /--cwd: not a directory: \/etc\/passwd/],
    [['status', '--cwd', '/no/such/place'], /--cwd: no such directory: \/no\/such\/place/],
  ])('%j is wrong usage: exit 2, one message, no stack', async (args, says) => {
    const result = await devenv(args, { cwd: tempDir(), env: testEnv() });
    expect(result.code).toBe(2);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(says);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(result.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  });

  it('with --json an error is one document on standard output', async () => {
    const result = await devenv(['strat', '--json'], { cwd: tempDir(), env: testEnv() });
    expect(result.code).toBe(2);
    expect(result.stderr).toBe('');
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: { code: 'usage', message: expect.stringContaining('strat') },
    });
  });

  it('a reader that closes the pipe is no error', async () => {
    const result = await run(['sh', '-c', `'${process.execPath}' '${bin}' --help | head -n 1`], {
      env: testEnv(),
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
  });

  it('an old Node is told in one line what is needed', async () => {
    // The same file, read by a Node that says it is old.
    const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})";
    const result = await run([process.execPath, '--import', old, bin, 'status'], {
      cwd: tempDir(),
      env: testEnv(),
    });
    expect(result.code).toBe(3);
    expect(result.stderr.trim()).toMatch(/^devenv: needs Node >= 22\.22, this is 20\.20\.2; [^\n]*$/);
  });

  it('is parsed by the Node of an old system, where there is one', (ctx) => {
    const system = ['/usr/bin/node', '/usr/local/bin/node'].find(
      (file) => existsSync(file) && realMajor(file) < 22,
    );
    ctx.skip(system === undefined, "this machine's own Node is new enough");
    expect(() => execFileSync(system ?? '', [bin, 'status'], { stdio: 'pipe' })).toThrow(
      /needs Node >= 22\.22/,
    );
  });
});

function realMajor(file: string): number {
  return Number(execFileSync(file, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }));
}

interface Meta {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
}

describe('start-up', () => {
  it('the main file holds no vendor but commander and a small one for slips of the finger', () => {
    const meta = JSON.parse(readFileSync(path.join(packageRoot(), 'dist/meta.json'), 'utf8')) as Meta;
    const inputs = Object.keys(meta.outputs['dist/main.js']?.inputs ?? {});
    const vendors = new Set(
      inputs.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
    );
    expect([...vendors].sort()).toEqual(['commander', 'fastest-levenshtein']);
  });

  it.each([
    ['--version', []],
    ['--help', []],
    ['status', []],
    ['checkpoint --no-verify', []],
  ])('%s loads no other vendor', async (args, expected) => {
    const env = testEnv({ NODE_DEBUG: 'module' });
    const cwd = tempDir();
    // The configuration is read once before: from then on its parsed form is kept.
    await devenv(['config', 'show'], { cwd, env });
    const result = await devenv(args.split(' '), { cwd, env });
    const loaded = [...result.stderr.matchAll(/vendor\/([\w-]+)\.cjs/g)].map((m) => m[1]);
    expect([...new Set(loaded)]).toEqual(expected);
  });

  it('the check above sees a vendor that is loaded', async () => {
    const cwd = tempDir();
    const env = testEnv({ NODE_DEBUG: 'module' });
    const result = await devenv(['config', 'show'], { cwd, env });
    expect(result.stderr).toMatch(/vendor\/zod\.cjs/);
  });
});
