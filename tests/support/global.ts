import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** One folder for everything the tests make; gone after the run, whatever happened in it. */
export function setup(): () => void {
  const dir = mkdtempSync(path.join(tmpdir(), 'devenv-tests-'));
  process.env['DEVENV_TESTS_DIR'] = dir;
  return () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}
