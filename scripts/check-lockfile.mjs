// No lock file may name a registry's host: everybody installs from the registry they are set up for.
import { readFileSync } from 'node:fs';

let bad = 0;
for (const file of process.argv.length > 2
  ? process.argv.slice(2)
  : ['package-lock.json', 'examples/shop/package-lock.json']) {
  for (const [name, entry] of Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages)) {
    if (entry.resolved === undefined || entry.resolved.startsWith('https://registry.npmjs.org/')) continue;
    bad += 1;
    console.error(`${file}: ${name} is resolved to ${entry.resolved}`);
  }
}
process.exit(bad === 0 ? 0 : 1);
