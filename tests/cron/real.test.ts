import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot, run } from '../../src/base/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

// The real crontab, with a spool of its own: nobody's crontab is touched.
const inside = (script: string): readonly string[] => [
  'unshare',
  '--mount',
  'sh',
  '-euc',
  `mount -t tmpfs t /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
chgrp crontab /var/spool/cron/crontabs
${script}`,
];
const tried = spawnSync('sh', [
  '-c',
  'command -v crontab unshare && unshare --mount mount -t tmpfs t /var/spool/cron',
]);
const why = tried.status === 0 ? '' : ' (skipped: no crontab, or no mount namespace of its own)';

test.skipIf(tried.status !== 0)(`Debian's own crontab takes the block and gives it back${why}`, async () => {
  const env = testEnv({ DEVENV_TMUX_SOCKET: 'devenv-test-none' });
  const cwd = tempDir('project');
  const devenv = `${process.execPath} ${path.join(packageRoot(), 'bin/devenv.js')}`;
  const result = await run(
    inside(`cd ${cwd}
crontab -l 2>&1 || :
printf 'MAILTO=""\\n# \\351\\377\\n5 5 * * * echo "a \\\\%% b"\\n' | crontab -
crontab -l >before
${devenv} cron install -q --backend cron --at 04:17 >/dev/null
crontab -l | grep -c devenv:
crontab -l | head -n 3 | cmp - before
${devenv} cron install -q --backend cron --at 04:17
${devenv} cron remove -q
crontab -l | cmp - before && echo same`),
    { env },
  );
  expect(result.stderr).toBe('');
  const [none, markers, unchanged] = result.stdout.split('\n');
  expect(none).toMatch(/^no crontab for /);
  expect(markers).toBe('2');
  expect(unchanged).toMatch(/unchanged: scheduled every night at 04:17/);
  expect(result.stdout.trimEnd().split('\n').at(-1)).toBe('same');
  expect(result.code).toBe(0);
});
