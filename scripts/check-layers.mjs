// Who may import whom: dependency-cruiser over src/, and a refusal to call it green when it saw no modules.
import { spawnSync } from 'node:child_process';

const root = process.argv[2] ?? 'src';
const result = spawnSync(
  'depcruise',
  ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', root],
  {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  },
);
if (result.error) throw result.error;
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
