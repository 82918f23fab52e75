// Who may import whom: dependency-cruiser over src/, and a refusal to call it green when it saw no modules.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const copy = mkdtempSync(path.join(tmpdir(), 'devenv-layers-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const name of ['src', 'tsconfig.json', '.dependency-cruiser.cjs', 'package.json']) {
  cpSync(name, path.join(copy, name), { recursive: true });
}
symlinkSync(path.resolve('node_modules'), path.join(copy, 'node_modules'));
// dependency-cruiser's reader does not know `using` yet and stops at the first one.
for (const file of readdirSync(path.join(copy, 'src'), { recursive: true }).filter((name) =>
  name.endsWith('.ts'),
)) {
  const target = path.join(copy, 'src', file);
  writeFileSync(
    target,
    readFileSync(target, 'utf8').replace(/^(\s*)(?:await )?using (?=\w+ =)/gm, '$1const '),
  );
}

const argv = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'];
const result = spawnSync('depcruise', argv, { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28 });
if (result.error) throw result.error;
if (!result.stdout.startsWith('{')) {
  console.error(`layers: dependency-cruiser could not read src/: ${result.stderr}${result.stdout}`);
  process.exit(1);
}
const { summary, modules } = JSON.parse(result.stdout);
const own = modules.filter((m) => m.source.startsWith('src/'));
const edges = own.reduce((n, m) => n + m.dependencies.length, 0);
for (const v of summary.violations) console.error(`${v.rule.name}: ${v.from} -> ${v.to}`);
// Without a parser for the installed TypeScript it reads nothing and finds nothing wrong.
if (own.length < 20 || edges < 20) {
  console.error(
    `layers: only ${own.length} modules and ${edges} imports were read; the parser does not work`,
  );
  process.exit(1);
}
console.log(`layers: ${own.length} modules, ${edges} imports, ${summary.violations.length} violations`);
process.exit(summary.violations.length === 0 ? 0 : 1);
