import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { watchFiles } from '../../src/watch/source.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { until } from '../support/until.ts';

async function watched(prepare: (top: string) => void = () => {}) {
  const top = tempDir();
  execFileSync('git', ['init', '-q'], { cwd: top, env: testEnv() });
  writeFileSync(path.join(top, '.gitignore'), 'node_modules\n*.log\n');
  prepare(top);
  const paths: string[] = [];
  const source = watchFiles(
    { top, excludeFiles: [], globs: ['skipped'], always: [], gitDir: path.join(top, '.git') },
    { changed: (more) => paths.push(...more), degraded: (why) => paths.push(`degraded: ${why}`) },
  );
  await source.ready;
  return {
    top,
    paths,
    source,
    write: (file: string, text = 'x') => writeFileSync(path.join(top, file), text),
  };
}

test('a change, a new file in new folders, a removal, a rename; nothing ignored', async () => {
  const { top, paths, source, write } = await watched((dir) => {
    mkdirSync(path.join(dir, 'node_modules'));
    writeFileSync(path.join(dir, 'a.txt'), '1');
  });
  await using _ = source;
  write('node_modules/x.js');
  write('noise.log');
  write('skipped');
  write('a.txt', '2');
  await until('the change', () => paths.includes('a.txt'));
  mkdirSync(path.join(top, 'deep/er/still'), { recursive: true });
  write('deep/er/still/b.txt');
  await until('the new file', () => paths.includes('deep/er/still/b.txt'));
  renameSync(path.join(top, 'deep'), path.join(top, 'moved'));
  await until('the new name', () => paths.includes('moved/er/still/b.txt'));
  rmSync(path.join(top, 'a.txt'));
  await until('the removal', () => paths.filter((p) => p === 'a.txt').length >= 2);
  expect(paths.filter((p) => /node_modules|log|skipped/.test(p))).toEqual([]);
});

test('a changed .gitignore counts from then on', async () => {
  const { top, paths, source, write } = await watched((dir) => mkdirSync(path.join(dir, 'node_modules')));
  await using _ = source;
  write('.gitignore', '*.log\n');
  await until('the change of the rules', () => paths.includes('.gitignore'));
  await until('a file that was ignored before', () => {
    write('node_modules/x.js', String(performance.now()));
    return paths.includes('node_modules/x.js');
  });
  expect(top).toBeTruthy();
});

test('another HEAD or index is a hint', async () => {
  const { top, paths, source } = await watched();
  await using _ = source;
  execFileSync('git', ['add', '-A'], { cwd: top, env: testEnv() });
  await until('the hint', () => paths.includes('.git'));
});

test('the thread of the built program tells of changes as well', async () => {
  const top = tempDir();
  const file = path.resolve(import.meta.dirname, '../../dist/watcher-thread.js');
  const workerData = { top, excludeFiles: [], globs: [], always: [], gitDir: undefined };
  const told: { kind: string; paths?: readonly string[] }[] = [];
  const worker = new Worker(file, { workerData });
  worker
    .on('message', (message) => told.push(message))
    .on('error', (error) => told.push({ kind: String(error) }));
  await until('it is ready', () => told.length > 0);
  writeFileSync(path.join(top, 'a.txt'), 'x');
  await until('the change', () => told.length > 1);
  await worker.terminate();
  expect(told.map(({ kind }) => kind).slice(0, 2)).toEqual(['ready', 'changed']);
  expect(told.at(-1)?.paths).toEqual(['a.txt']);
});
