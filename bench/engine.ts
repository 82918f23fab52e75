// A process that makes a checkpoint for each line it reads, as `devenv watch` does: without the start of Node and of
// the program. Called by bench/checkpoints.ts: node bench/engine.ts DIR
import { createInterface } from 'node:readline';
import { createCheckpoint } from '../src/checkpoint/index.ts';
import { openRepo } from '../src/git/index.ts';

const repo = await openRepo({ cwd: process.argv[2] ?? '.', env: process.env });
for await (const _line of createInterface({ input: process.stdin })) {
  const from = performance.now();
  const { created } = await createCheckpoint(repo, {
    verdict: 'unverified',
    reason: 'timer',
    tags: 'all',
    now: Date.now(),
  });
  process.stdout.write(`${performance.now() - from} ${created}\n`);
}
