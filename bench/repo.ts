import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

function git(cwd: string, env: NodeJS.ProcessEnv, ...args: string[]): void {
  const result = spawnSync('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', ...args], {
    cwd,
    env,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
}

/** A committed repository of `count` small files, a hundred to a folder. */
export function makeRepo(dir: string, count: number, env: NodeJS.ProcessEnv, config: string): void {
  for (let i = 0; i < count; i++) {
    const folder = path.join(dir, 'src', `d${Math.floor(i / 100)}`);
    if (i % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `f${i}.txt`), `file ${i}\n${'line of text\n'.repeat(20)}`);
  }
  writeFileSync(path.join(dir, 'devenv.yaml'), config);
  git(dir, env, 'init', '-q', '-b', 'main');
  git(dir, env, 'add', '-A');
  git(dir, env, 'commit', '-q', '-m', 'Start');
  git(dir, env, 'status');
}

/** Edits `count` files so that each round gives a new tree. */
export function touchFiles(dir: string, count: number, round: number): void {
  for (let i = 0; i < count; i++) {
    const n = i * 137;
    writeFileSync(
      path.join(dir, 'src', `d${Math.floor(n / 100)}`, `f${n}.txt`),
      `round ${round} of file ${n}\n`,
    );
  }
}
