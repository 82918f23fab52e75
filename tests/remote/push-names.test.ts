import { existsSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBox, type Box } from '../support/box.ts';
import { bothSides, hostCase, type HostCase } from '../support/host-code.ts';
import { writeFiles } from '../support/project.ts';

let box: Box;
beforeAll(async () => {
  // With a folder of programs of its own.
  box = await makeBox({ without: ['crontab'] });
});
afterAll(() => box.end());

let count = 0;

/** A box on a branch that leaves no room for the one that is checked out here now. */
async function clash(old: string, next: string): Promise<HostCase> {
  const t = await hostCase({ box, path: `n${count++}/shop` });
  await t.git('switch', '-q', '-c', old);
  writeFiles(t.dir, 'a.txt', `${old}\n`);
  await t.git('commit', '-qam', 'On the old one');
  await t.sure('host', 'push', 'box');
  await t.git('switch', '-q', 'main');
  await t.git('branch', '-q', '-D', old);
  await t.git('switch', '-q', '-c', next);
  return t;
}

const branches = (t: HostCase): Promise<string> =>
  t.gitThere('for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads');

it.each([
  ['feat/x', 'feat'],
  ['feat', 'feat/x/y'],
])('%s makes room for %s when its commits came from here; undo and redo know both', async (old, next) => {
  const t = await clash(old, next);
  const before = await branches(t);
  const result = await t.run('host', 'push', 'box');
  expect([result.code, result.stderr]).toEqual([
    0,
    expect.stringContaining(`refs/heads/${old} made room; devenv undo --host box brings it back`),
  ]);
  const { here, there } = await bothSides(t);
  expect(there).toEqual(here);
  const after = await branches(t);
  await t.sure('undo', '--host', 'box');
  expect(await branches(t)).toBe(before);
  expect(await t.gitThere('symbolic-ref', '--short', 'HEAD')).toBe(old);
  await t.sure('undo', '--redo', '--host', 'box');
  expect(await branches(t)).toBe(after);
});

it('a branch with commits that are only there does not make room, except with --force, which keeps them', async () => {
  const t = await clash('feat', 'feat/x');
  await t.gitThere('switch', '-q', 'main').catch(() => t.gitThere('switch', '-q', '-c', 'main'));
  await t.gitThere('commit', '-q', '--allow-empty', '-m', 'Only there');
  await t.gitThere('branch', '-q', '-f', 'feat', 'main');
  await t.gitThere('reset', '-q', '--hard', 'HEAD^');
  const before = await branches(t);
  const result = await t.run('host', 'push', 'box', '--json');
  expect(result.code).toBe(5);
  expect(JSON.parse(result.stdout).error).toMatchObject({
    code: 'refused',
    message: expect.stringMatching(
      /^box: .* has no room for branch feat\/x beside branch feat, which has commits made there/,
    ),
    hint: expect.stringContaining('git branch -m feat OTHER there'),
  });
  expect(await branches(t)).toBe(before);
  await t.sure('host', 'push', 'box', '--force');
  expect(await t.gitThere('log', '--format=%s', '--glob=refs/devenv/heads')).toContain('Only there');
  await t.sure('undo', '--host', 'box');
  expect(await branches(t)).toBe(before);
});

it('killed when one has made room and the other is not there yet: the next push finishes it', async () => {
  const t = await clash('feat/x', 'feat');
  const before = await branches(t);
  const [program, armed] = [path.join(box.dir, 'bin/git'), path.join(box.dir, 'armed')];
  const git = realpathSync(program);
  rmSync(program);
  const kill = `[ ! -e '${armed}' ] || { rm '${armed}'; kill -9 "$PPID"; exit 1; }`;
  const script = `#!/bin/sh\ncase "$*" in *update-ref*"refs/heads/feat "*) ${kill} ;; esac\nexec ${git} "$@"\n`;
  writeFileSync(program, script, { mode: 0o755 });
  writeFileSync(armed, '');
  expect((await t.run('host', 'push', 'box')).stderr).toContain('was killed');
  expect(existsSync(armed)).toBe(false);
  expect(await branches(t)).toBe('');
  await t.sure('host', 'push', 'box');
  const { here, there } = await bothSides(t);
  expect(there).toEqual(here);
  await t.sure('undo', '--host', 'box');
  expect(await branches(t)).toBe(before);
});
