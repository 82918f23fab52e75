// What a checkpoint costs when nothing is done but to run Node and the two git processes of the recipe: no options, no
// configuration, no look whether it is known, no file read twice, no name looked for, nothing said. Called by
// bench/checkpoint.ts (once) and bench/checkpoints.ts (with `engine`: one for each line it reads, as a process that runs).
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** @type {(args: string[], input: string) => Promise<string>} */
function git(args, input) {
  return new Promise((resolve) => {
    const child = spawn('git', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('latin1').on('data', (chunk) => (out += chunk));
    child.on('close', () => resolve(out));
    child.stdin.end(input, 'latin1');
  });
}

let count = 0;

async function checkpoint() {
  const status = await git(
    ['--no-optional-locks', 'status', '--porcelain=v2', '-z', '--branch', '-uall', '--no-renames'],
    '',
  );
  const head = /branch\.oid (\w+)/.exec(status)?.[1] ?? '';
  const files = [...status.matchAll(/(?:^|\0)(?:1 (?:\S+ ){7}|\? )([^\0]+)/g)].map(([, name = '']) => {
    try {
      const content = readFileSync(name, 'latin1');
      return `M 100644 inline ${name}\ndata ${content.length}\n${content}\n`;
    } catch {
      return `D ${name}\n`;
    }
  });
  const ref = `refs/bench/${Date.now()}-${count++}`;
  const durable = ['-c', 'core.fsync=objects,pack-metadata,reference'];
  await git(
    [...durable, '-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet'],
    `commit ${ref}\ncommitter bench <bench@localhost> 1 +0000\ndata 0\nfrom ${head}\n${files.join('')}\ndone\n`,
  );
}

if (process.argv[2] === 'engine') {
  for await (const line of createInterface({ input: process.stdin })) {
    const from = performance.now();
    if (line !== '') await checkpoint();
    process.stdout.write(`${performance.now() - from}\n`);
  }
} else await checkpoint();
process.exit();
