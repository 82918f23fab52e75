// Runs the crash, writer and property tests long, with other numbers each time: `just torture [MINUTES]`.
// A failure names its TORTURE_SEED; with that in the environment the same begins again.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const minutes = Number(process.argv[2] ?? 10);
if (!(minutes > 0)) {
  process.stderr.write('torture: how many minutes? e.g. `just torture 60`\n');
  process.exit(2);
}
const given = process.env['TORTURE_SEED'];
const end = performance.now() + minutes * 60_000;
/** The tests of a file run one after the other, each for this long; two files at a time. */
const perTest = Math.max(0.2, Math.min(2, minutes / 6));
const root = path.resolve(import.meta.dirname, '../..');

for (let round = 1; performance.now() < end; round++) {
  const seed = given ?? String(Math.floor(Math.random() * 1e9));
  process.stdout.write(`torture: round ${round}, TORTURE_SEED=${seed}\n`);
  const { status } = spawnSync('vitest', ['run', 'tests/torture'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TORTURE_SEED: seed, TORTURE_MINUTES: String(perTest) },
  });
  if (status === 0) continue;
  process.stderr.write(`torture: failed; again with: TORTURE_SEED=${seed} npx just torture ${minutes}\n`);
  process.exit(1);
}
process.stdout.write(`torture: ${minutes} minutes, nothing found\n`);
