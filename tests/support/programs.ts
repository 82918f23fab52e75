import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isAlive, self } from '../../src/base/index.ts';

/** What tests start as processes of their own, hundreds of times. */
const sources = {
  act: 'tests/torture/fixtures/act.ts',
  checkpoint: 'tests/checkpoint/fixtures/checkpoint.ts',
  'one-night': 'tests/nightly/fixtures/one-night.ts',
  prune: 'tests/checkpoint/fixtures/prune.ts',
  rollback: 'tests/rollback/fixtures/rollback.ts',
};

/** Where one of them lies as one file, which starts in half the time of its sources. */
export const program = (name: keyof typeof sources): string =>
  path.join(process.env['DEVENV_TEST_PROGRAMS'] ?? '', `${name}.mjs`);

/** Bundles them all, for this run. Returns what removes them. */
export async function buildPrograms(): Promise<() => void> {
  // Not in the folder of temporary files: they import packages from where they lie.
  const cache = path.resolve('node_modules/.cache');
  const dir = path.join(cache, `devenv-programs-${self.pid}`);
  // Those of a run that was killed.
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const pid = /^devenv-programs-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(path.join(cache, name), { recursive: true });
  }
  mkdirSync(dir, { recursive: true });
  const { build } = await import('esbuild');
  await build({
    entryPoints: sources,
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  process.env['DEVENV_TEST_PROGRAMS'] = dir;
  return () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}
