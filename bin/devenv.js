#!/usr/bin/env node
// Written so that any Node since 12 can read it: an old one must get a sentence, not a syntax error.
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';

const needs = [22, 22];
const has = process.versions.node.split('.').map(Number);

function version() {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

if (has[0] < needs[0] || (has[0] === needs[0] && has[1] < needs[1])) {
  console.error(
    `devenv: needs Node >= ${needs.join('.')}, this is ${process.versions.node}; in a checkout, ./scripts/bootstrap installs one: node_modules/.bin/node bin/devenv.js`,
  );
  process.exitCode = 3;
} else if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  // Answered here: shells and editors ask often, and nothing else needs to be loaded for it.
  console.log(version());
} else {
  // Compiled code is kept between runs; this must come before the program itself is imported.
  nodeModule.enableCompileCache?.();
  // node:sqlite works in every Node we support; its remark about being new is not for our users.
  const warn = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).includes('SQLite')) warn.call(process, warning, ...rest);
  };
  import('../dist/main.js').then(
    ({ main }) => main(process.argv.slice(2)),
    (error) => {
      const missing = error && error.code === 'ERR_MODULE_NOT_FOUND';
      console.error(missing ? 'devenv: not built yet; run ./scripts/bootstrap (or: npm run build)' : error);
      process.exitCode = 3;
    },
  );
}
