import { renameSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openRepo } from '../../src/git/index.ts';
import { makeRepo } from '../checkpoint/repo.ts';
import { git } from '../support/project.ts';
import { tempDir } from '../support/temp.ts';

test('a work tree whose repository was moved is told so, and mended by what the hint says', async () => {
  const t = await makeRepo();
  const linked = path.join(tempDir('linked'), 'tree');
  await t.git('worktree', 'add', '-q', '--detach', linked);
  const moved = path.join(tempDir('moved'), 'repo');
  renameSync(t.dir, moved);
  const cwd = path.join(linked, 'src');
  const hint = `git worktree repair ${linked}`;
  await expect(openRepo({ cwd, env: t.env })).rejects.toMatchObject({
    code: 'no-repo',
    message: `${linked}/.git names a folder that is not there: ${t.dir}/.git/worktrees/${path.basename(linked)}`,
    hint: `in the repository that it belongs to: ${hint}`,
  });
  await git(moved, t.env, ...hint.split(' ').slice(1));
  await expect(openRepo({ cwd, env: t.env })).resolves.toMatchObject({ root: linked });
});

test('a submodule that was moved by hand is told where it looks', async () => {
  const t = await makeRepo();
  const dir = path.join(t.dir, 'deep/lib');
  t.write('deep/lib/.git', 'gitdir: ../.git/modules/lib\n');
  await expect(openRepo({ cwd: dir, env: t.env })).rejects.toMatchObject({
    code: 'no-repo',
    message: `${dir}/.git names a folder that is not there: ${t.dir}/deep/.git/modules/lib`,
    hint: 'move back what was moved, or correct the path in that file',
  });
});
