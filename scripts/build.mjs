// Bundles src/ into dist/: one small entry, one lazy chunk per command, vendors inside the chunk that needs them.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
rmSync('dist', { recursive: true, force: true });
const result = await build({
  entryPoints: { main: 'src/cli/main.ts', 'watcher-thread': 'src/watch/watcher-thread.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.22',
  minify: true,
  keepNames: false,
  legalComments: 'linked',
  metafile: true,
  define: { DEVENV_VERSION: JSON.stringify(version) },
  // CommonJS vendors call require() for Node's own modules.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  external: ['*.node', 'cpu-features'],
  logLevel: 'warning',
});
writeFileSync('dist/meta.json', JSON.stringify(result.metafile));
