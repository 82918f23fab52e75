// The lock files must work everywhere: no registry's host in them (everybody installs from the registry they are
// set up for), and every platform's variant of a package listed. npm leaves out variants that the registry at
// hand does not have, and then `npm ci` refuses the lock file. `--fix` adds what is missing.
import { readFileSync, writeFileSync } from 'node:fs';

const args = process.argv.slice(2).filter((arg) => arg !== '--fix');
const fix = process.argv.includes('--fix');
const files = args.length > 0 ? args : ['package-lock.json', 'examples/shop/package-lock.json'];
let bad = 0;

/** What a variant runs on, from its name: `@oxlint/binding-linux-arm-gnueabihf`, `rust-just-windows-x64`. */
function platformOf(name) {
  const os = /(android|darwin|freebsd|linux|openharmony|win32|windows|aix|netbsd|openbsd|sunos)/.exec(
    name,
  )?.[1];
  const cpu = /-(arm64|armv7|arm|x64|ia32|ppc64|riscv64|s390x|loong64|mips64el)\b/.exec(name)?.[1];
  if (!os || !cpu) return undefined;
  const libc = /musl/.test(name) ? { libc: ['musl'] } : /gnu/.test(name) ? { libc: ['glibc'] } : {};
  return { os: [os === 'windows' ? 'win32' : os], cpu: [cpu === 'armv7' ? 'arm' : cpu], ...libc };
}

for (const file of files) {
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  for (const [name, entry] of Object.entries(lock.packages)) {
    if (entry.resolved !== undefined && !entry.resolved.startsWith('https://registry.npmjs.org/')) {
      bad += 1;
      console.error(`${file}: ${name} is resolved to ${entry.resolved}`);
    }
    for (const [variant, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const platform = platformOf(variant);
      if (
        !platform ||
        lock.packages[`node_modules/${variant}`] ||
        lock.packages[`${name}/node_modules/${variant}`]
      )
        continue;
      if (fix) {
        lock.packages[`node_modules/${variant}`] = {
          version,
          ...platform,
          ...(entry.dev ? { dev: true } : {}),
          optional: true,
        };
      } else {
        bad += 1;
        console.error(
          `${file}: ${variant}@${version} is missing; node scripts/check-lockfile.mjs --fix adds it`,
        );
      }
    }
  }
  if (fix) {
    const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(
      file,
      `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`,
    );
  }
}
process.exit(bad === 0 ? 0 : 1);
