import { expect, test } from 'vitest';
import { checkpoint } from '../../src/commands/checkpoint.ts';
import { checkpointVerified } from '../../src/commands/checkpoint-verified.ts';
import { loadProject, reloadProject, type Project } from '../../src/config/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { verify } from '../../src/verify/index.ts';
import { testContext } from '../commands/context.ts';
import { testProject, type TestProject } from './support.ts';

const passing = 'suites: { unit: { command: "true" } }\n';
const failing = 'suites: { unit: { command: "false" } }\n';
const mistaken = 'suites: { unit: { comand: x } }\n';

async function make(config: string, files: Readonly<Record<string, string>> = {}) {
  const t = testProject({ suites: [], files: { 'devenv.yaml': config, 'a.txt': 'a\n', ...files } });
  const load = (): Promise<Project> => loadProject({ cwd: t.root, env: t.env });
  return { ...t, load, loaded: await load() };
}

const judge = (t: TestProject, project: Project, where: 'place' | 'worktree' = 'place') =>
  verify(t.deps, project, { suites: ['unit'], reason: 'test', in: where });

test('what a configuration is made of: content counts, in every file that is read', async () => {
  const t = await make(`${passing}env_file: { path: .env, optional: true }\nlayout: mine\n`, {
    '.devenv/layouts/mine.yaml': 'env: { A: "1" }\n',
  });
  expect(await reloadProject(t.loaded)).toBeUndefined();
  let before = t.loaded;
  const changes: readonly (readonly [string, string])[] = [
    ['.env', 'B=1\n'],
    ['.env', 'B=2\n'],
    ['devenv.local.yaml', 'env: { C: "1" }\n'],
    ['.devenv/layouts/mine.yaml', 'env: { A: "2" }\n'],
  ];
  for (const [file, text] of changes) {
    t.write(file, text);
    const now = await reloadProject(before);
    expect(now, file).toBeDefined();
    before = now ?? before;
  }
  t.write('devenv.local.yaml', '# only a comment\nenv: { C: "1" }\n');
  expect(await reloadProject(before)).toBeUndefined();
  t.write('devenv.yaml', mistaken);
  await expect(reloadProject(before)).rejects.toThrow('devenv.yaml:1:19: unknown key "comand"');
});

for (const where of ['place', 'worktree'] as const)
  test(`a configuration that is not the tree's gives no verdict, and no record (${where})`, async () => {
    const t = await make(passing);
    expect(await judge(t, t.loaded, where)).toMatchObject({ verdict: 'passed' });
    t.write('devenv.yaml', failing);
    expect(await judge(t, t.loaded, where)).toMatchObject({
      verdict: 'stale',
      why: 'the configuration was changed after it was read',
    });
    t.write('devenv.yaml', mistaken);
    const found = await judge(t, t.loaded, where);
    expect(found.verdict).toBe('stale');
    expect(found.why).toContain('devenv.yaml:1:19: unknown key "comand"');
    const tree = t.git('rev-parse', 'HEAD^{tree}');
    expect(t.store.lastRuns(t.project.id)['unit']).toMatchObject({ verdict: 'passed', tree });
  });

test('an ignored file of the configuration that changes while the suites run makes the verdict stale', async () => {
  const t = await make('suites: { unit: { command: "echo A=2 > .env" } }\nenv_file: .env\n', {
    '.gitignore': '.env\n',
    '.env': 'A=1\n',
  });
  expect(await judge(t, t.loaded)).toMatchObject({
    verdict: 'stale',
    why: 'the configuration changed while the suites ran',
  });
});

test('devenv checkpoint judges by the configuration of the tree that it keeps', async () => {
  const t = await make(passing);
  const ctx = testContext({ env: t.env, cwd: t.root });
  const repo = await openRepo({ cwd: t.root, env: t.env });
  t.write('devenv.yaml', failing);
  expect(await checkpointVerified(ctx, t.loaded, repo, undefined)).toMatchObject({
    exit: 1,
    json: { tag: null, verdict: 'failed' },
  });
  t.write('devenv.yaml', mistaken);
  await expect(checkpointVerified(ctx, t.loaded, repo, undefined)).rejects.toMatchObject({ code: 'config' });
  t.write('devenv.yaml', passing);
  expect(await checkpoint(ctx, { verify: true })).toMatchObject({ json: { verdict: 'passed' } });
  expect(t.git('tag', '--list').split('\n')).toHaveLength(1);
});
