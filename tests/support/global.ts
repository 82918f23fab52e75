import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPrograms } from './programs.ts';

/** One folder for everything the tests make; gone after the run, whatever happened in it. */
export async function setup(): Promise<() => void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'devenv-tests-'));
  process.env['DEVENV_TESTS_DIR'] = dir;
  // Many tests start sources as programs of their own; compiled once, these start three times as fast. Not in that
  // folder: a program that ends after the run would make it once more.
  const compiled = path.resolve('node_modules/.cache/devenv-tests');
  rmSync(compiled, { recursive: true, force: true, maxRetries: 5 });
  process.env['NODE_COMPILE_CACHE'] ??= compiled;
  const removePrograms = await buildPrograms();
  return () => {
    removePrograms();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  };
}
