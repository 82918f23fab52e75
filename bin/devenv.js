#!/usr/bin/env node
// Written so that any Node since 14 can read it: an old one must get a sentence, not a syntax error.
// Node's own modules are fetched, not imported: importing node:fs would load all of streams with it.
const needs = [22, 22];
const has = process.versions.node.split('.').map(Number);

if (has[0] < needs[0] || (has[0] === needs[0] && has[1] < needs[1])) {
  console.error(
    `devenv: needs Node >= ${needs.join('.')}, this is ${process.versions.node}; in a checkout, ./scripts/bootstrap installs one: node_modules/.bin/node bin/devenv.js`,
  );
  process.exitCode = 3;
} else if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  // Answered here: shells and editors ask often, and nothing else needs to be loaded for it.
  const { readFileSync } = process.getBuiltinModule('node:fs');
  console.log(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version);
} else {
  // Compiled code is kept between runs; this must come before the program itself is imported.
  process.getBuiltinModule('node:module').enableCompileCache();
  // node:sqlite works in every Node we support; its remark about being new is not for our users.
  const warn = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).includes('SQLite')) warn.call(process, warning, ...rest);
  };
  // What scripts/build.mjs gives a file of its own: some commands, and all that is to run on a remote box. A box is
  // not sent them: all that is in them is in main.js too.
  const { existsSync } = process.getBuiltinModule('node:fs');
  const words = process.argv.slice(2);
  const remote = words.some((word) => /^--host(=|$)/.test(word)) && 'remote';
  const own = remote || ['start', 'status', 'checkpoint'].find((name) => name === words[0]);
  const file = own && existsSync(new URL(`../dist/${own}.js`, import.meta.url)) ? own : 'main';
  import(`../dist/${file}.js`).then(
    ({ main }) =>
      main(words)
        // `checkpoint -m --host` has the word and means none: the whole program knows every command.
        .then((done) =>
          done === 'elsewhere' ? import('../dist/main.js').then((whole) => whole.main(words)) : 0,
        )
        .then(() => process.exit()),
    (error) => {
      const missing = error && error.code === 'ERR_MODULE_NOT_FOUND';
      console.error(missing ? 'devenv: not built yet; run ./scripts/bootstrap (or: npm run build)' : error);
      process.exitCode = 3;
    },
  );
}
