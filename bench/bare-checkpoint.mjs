// What a checkpoint costs when nothing is done but to start Node and the two git processes of the recipe: no options, no
// configuration, no look whether it is known, no name looked for, nothing said. Called by bench/checkpoint.ts.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

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

const status = await git(
  ['--no-optional-locks', 'status', '--porcelain=v2', '-z', '--branch', '-uall', '--no-renames'],
  '',
);
const head = /branch\.oid (\w+)/.exec(status)?.[1] ?? '';
const changed = [...status.matchAll(/1 (?:\S+ ){7}([^\0]+)\0/g)].map(([, name = '']) => name);
const files = changed.map((name) => {
  const content = readFileSync(name, 'latin1');
  return `M 100644 inline ${name}\ndata ${content.length}\n${content}\n`;
});
await git(
  [
    '-c',
    'core.fsync=objects,pack-metadata,reference',
    '-c',
    'fastimport.unpackLimit=0',
    'fast-import',
    '--quiet',
  ],
  `commit refs/bench/${Date.now()}\ncommitter bench <bench@localhost> 1 +0000\ndata 0\nfrom ${head}\n${files.join('')}\ndone\n`,
);
process.exit();
