import { expect, test } from 'vitest';
import { devenv } from '../support/cli.ts';
import { makeRepo } from '../checkpoint/repo.ts';

test.each([
  [['prune', '--restore', 'last', '--dry-run'], '--restore and --dry-run'],
  [['undo', '--list', '--redo'], '--list and --redo'],
  [['undo', '--list', '--dry-run'], '--list and --dry-run'],
  [['open', '--list', '--close'], '--list and --close'],
  [['open', '--list', 'last'], '--list and a tag'],
  [['checkpoints', '--trash', '--export', 'x'], '--trash and --export'],
  [['checkpoints', '--trash', '--good'], '--trash and --good'],
  [['checkpoints', '--trash', '-n', '3'], '--trash and --limit'],
  [['checkpoint', 'pin', 'last', '-m', 'words'], 'pin and --message'],
  [['checkpoint', 'pin', 'last', '--promote'], 'pin and --promote'],
])('%j: none of them is passed over in silence', async (args, both) => {
  const t = await makeRepo({ files: { 'a.txt': 'a\n' } });
  await t.checkpoint();
  const refs = await t.git('for-each-ref');
  const done = await devenv(args, { cwd: t.dir, env: t.env });
  expect(done.stderr).toContain(`${both} do not go together`);
  expect(done.code).toBe(2);
  expect(await t.git('for-each-ref')).toBe(refs);
});
