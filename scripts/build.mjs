// Bundles src/ into dist/: our own code as one file, in which a command's modules run only when it is called;
// every heavy vendor as a file of its own, loaded by the first module that needs it. Why: docs/decisions/0002.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { minify } from '@swc/core';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const out = process.argv[2] ?? 'dist';
/** Vendors kept out of the main file; the rest is small, and always or hardly needed. */
const vendors = [
  'chokidar',
  'croner',
  'execa',
  'ignore',
  'listr2',
  'node-ssh',
  'pino',
  'saxes',
  'simple-git',
  'ssh-config',
  'ssh2',
  'yaml',
  'zod',
];
/**
 * What of a vendor is bundled: the names that src/ imports, so that the rest of it can be left out; else all of it.
 * zod's own names hang on one object, which keeps all of it: it is given the parts that the schema calls.
 */
const entries = {
  zod: () => {
    const schema = readdirSync('src/config')
      .filter((name) => /^schema.*\.ts$/.test(name))
      .map((name) => readFileSync(`src/config/${name}`, 'utf8'))
      .join('\n');
    /** @type {Set<string>} */
    const parts = new Set(Array.from(schema.matchAll(/\bz\s*\.([a-z]\w*)\(/g), ([, name]) => name));
    const list = [...parts].toSorted().map((name) => [name, `${name} as ${name}_`, `${name}: ${name}_`]);
    return `import { config, ${list.map(([, named]) => named).join(', ')} } from 'zod';
      import en from './node_modules/zod/v4/locales/en.js';
      config(en());
      export const z = { ${list.map(([, , given]) => given).join(', ')} };`;
  },
  // The same library as modules, of which only what is used is kept.
  yaml: (names) => `export { ${names} } from './node_modules/yaml/browser/dist/index.js'`,
  ...Object.fromEntries(
    ['chokidar', 'execa', 'listr2', 'simple-git'].map((name) => [
      name,
      (names) => `export { ${names} } from '${name}'`,
    ]),
  ),
};

/** One language is enough, and all of them are half of zod. */
const onlyEnglish = {
  name: 'only-english',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
      loader: 'js',
    }));
  },
};

/** The names that src/ imports of a vendor, types left out. */
function namesOf(vendor) {
  /** @type {Set<string>} */
  const names = new Set();
  const pattern = new RegExp(
    `(?:import|const)\\s+\\{([^}]*)\\}\\s*(?:from\\s*|=\\s*await import\\()['"]${vendor}['"]`,
    'g',
  );
  for (const file of readdirSync('src', { recursive: true }).filter((name) => name.endsWith('.ts')))
    for (const [, list] of readFileSync(`src/${file}`, 'utf8').matchAll(pattern))
      for (const item of list.split(',').map((text) => text.trim()))
        if (item !== '' && !item.startsWith('type ')) names.add(item.split(/\s+as\s+/)[0]);
  return [...names].toSorted();
}

/**
 * Commands that are called often, or whose speed is a goal: each also as a file of its own, which is half as long.
 * bin/devenv.js knows their names. Beside them stand the files of src/commands that their rows load.
 */
const hot = {
  start: ['start', 'begun-session'],
  status: ['status', 'begun-session'],
  checkpoint: ['checkpoint', 'begun', 'pin', 'promote'],
  // Whatever has --host.
  remote: ['on-host'],
};
const bundledVendors = ['commander', 'fastest-levenshtein'];

// Both `import { a, b as c } from 'node:x'` and `const { a } = await import('node:x')`.
const namedImports =
  /(?:import|export|const)\s+(?:\w+\s*,\s*)?\{([^}]*)\}\s*(?:from\s*|=\s*await import\()['"](?:node:)?([\w/]+)['"]/g;

/** What our own code and the vendors in the main file import by name from Node's own modules. */
function importedNames() {
  const names = new Map();
  const files = ['src', ...bundledVendors.map((name) => `node_modules/${name}`)].flatMap((dir) =>
    readdirSync(dir, { recursive: true })
      .filter((file) => /\.(ts|js|mjs)$/.test(file))
      .map((file) => `${dir}/${file}`),
  );
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    for (const [, list, module] of text.matchAll(namedImports)) {
      const known = names.get(module) ?? new Set();
      for (const item of list.split(',')) known.add(item.trim().split(/\s+as\s+|\s*:\s*/)[0]);
      names.set(module, known);
    }
  }
  return names;
}

/** Loaded by Node itself before any program; of the others even the functions are fetched at their first call. */
const alwaysThere = new Set([
  'buffer',
  'events',
  'fs',
  'module',
  'os',
  'path',
  'process',
  'timers',
  'url',
  'util',
]);

/**
 * An `import` of one of Node's own modules reads every one of its exports, lazy ones included: importing
 * `node:fs` loads all of streams, 5 ms of a 20 ms start. Like this only what is used is read.
 */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    const names = importedNames();
    const isBuiltin = (name) => builtinModules.includes(name.replace(/^node:/, '')) || name === 'node:sqlite';
    onResolve({ filter: /./ }, ({ path }) =>
      isBuiltin(path)
        ? { path: path.replace(/^node:/, ''), namespace: 'builtin', sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
      const has = process.getBuiltinModule(`node:${path}`);
      const used = [...(names.get(path) ?? [])].filter(
        (name) => Object.hasOwn(has, name) && name !== 'default',
      );
      const lazily = (whole) => `new Proxy({}, { get: (_, name) => ${whole}[name] })`;
      const lines = used.map((name) => {
        const kind = alwaysThere.has(path) || /^[A-Z]/.test(name) ? 'read' : typeof has[name];
        if (kind === 'function') return `export const ${name} = (...given) => builtin().${name}(...given);`;
        // A table of numbers can wait; what has a class of its own must be itself, and what is null here is not there.
        return `export const ${name} = ${name === 'constants' ? lazily(`builtin().${name}`) : `builtin().${name}`};`;
      });
      return {
        contents: `const builtin = () => process.getBuiltinModule('node:${path}');\nexport default ${alwaysThere.has(path) ? 'builtin()' : lazily('builtin()')};\n${lines.join('\n')}`,
        loader: 'js',
      };
    });
  },
};

const lazyVendors = {
  name: 'lazy-vendors',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z]/ }, ({ path }) =>
      vendors.includes(path) ? { path, namespace: 'vendor', sideEffects: false } : undefined,
    );
    onLoad({ filter: /./, namespace: 'vendor' }, ({ path }) => ({
      contents: `module.exports = __vendor('./vendor/${path}.cjs')`,
      loader: 'js',
    }));
  },
};

/** The rows of the other commands stay, for help and completion; their code does not. */
const onlyCommand = (needed) => ({
  name: 'only-command',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/commands\// }, ({ path, importer, kind }) =>
      kind === 'dynamic-import' &&
      /\/cli\/(?:rows-|remote)/.test(importer) &&
      !needed.some((name) => path === `../commands/${name}.ts`)
        ? { path: './main.js', external: true }
        : undefined,
    );
  },
});

/**
 * What goes to a remote box is a file of its own (src/remote/bootstrap/payload.ts sends it as main.js): without the
 * commands that reach further boxes and the completions, which are for home, without live lists, which no terminal shows there, and
 * without simple-git: the one `git diff` that it runs is called as it is. The scripts of panes go without comments and indentation.
 */
const boxOnly = {
  name: 'box-only',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^simple-git$/ }, ({ path }) => ({ path, namespace: 'bare-git' }));
    onLoad({ filter: /./, namespace: 'bare-git' }, () => ({
      contents: `import { runBytes } from './src/base/index.ts';
        export const simpleGit = ({ baseDir: cwd }) => ({
          env: (env) => ({
            raw: async (args) => {
              const { ok, stdout, stderr } = await runBytes(['git', ...args], { cwd, env });
              if (!ok) throw new Error(stderr);
              return stdout.toString();
            },
          }),
        });`,
      resolveDir: process.cwd(),
      loader: 'js',
    }));
    // Of the scripts that are written to disk there, what says whose they are.
    onLoad({ filter: /(wrapper|logger-script)\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/^ *# (?!.*written by devenv).*\n|^ +| +# [a-z].*$/gm, ''),
      loader: 'ts',
    }));
    onResolve(
      { filter: /^\.\.\/commands\/(on-host|host(-[\w-]+)?|completion|complete)\.ts$/ },
      ({ path }) => ({
        path,
        namespace: 'only-at-home',
      }),
    );
    onLoad({ filter: /./, namespace: 'only-at-home' }, () => ({
      contents: `import { DevenvError } from './src/base/index.ts';
        throw new DevenvError('unsupported',
          'this devenv was brought to a remote box: it goes on to no other box and completes nothing',
          'run that at home');`,
      resolveDir: process.cwd(),
      loader: 'js',
    }));
  },
};

/**
 * Of execa one call is made, of a shell that runs beside us (src/base/supervise.ts): neither its option `verbose`, nor
 * its synchronous form, its pipes between programs, and a process as a stream.
 */
const onlyOneCall = {
  name: 'only-one-call',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(figures|pretty-ms)$/ }, ({ path, importer }) =>
      importer.includes('/execa/') ? { path, namespace: 'not-verbose' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'not-verbose' }, () => ({
      contents: 'export default {}',
      loader: 'js',
    }));
    onLoad({ filter: /\/execa\/lib\/(methods\/main-sync|pipe\/setup|convert\/add)\.js$/ }, ({ path }) => ({
      contents: Array.from(
        readFileSync(path, 'utf8').matchAll(/^export const (\w+)/gm),
        ([, name]) => `export const ${name} = () => undefined;`,
      ).join('\n'),
      loader: 'js',
    }));
  },
};

/** pino's threads need files beside it, which a bundle does not have: devenv writes its log without them. */
const withoutThreads = {
  name: 'without-threads',
  setup({ onResolve, onLoad }) {
    onResolve(
      { filter: /^(thread-stream|\.\/transport|\.\/multistream|\.\/lib\/(transport|multistream))$/ },
      ({ path, importer }) => (importer.includes('/pino/') ? { path, namespace: 'no-threads' } : undefined),
    );
    onLoad({ filter: /./, namespace: 'no-threads' }, () => ({
      contents: 'module.exports = {}',
      loader: 'js',
    }));
  },
};

const common = {
  bundle: true,
  platform: 'node',
  target: 'node22.22',
  // Every Node that the target means has them; written as `new RegExp`, commander compiles one for each option.
  supported: { 'regexp-unicode-property-escapes': true },
  minify: true,
  legalComments: 'linked',
  metafile: true,
  external: ['*.node', 'cpu-features'],
  logLevel: 'warning',
};

rmSync(out, { recursive: true, force: true });
mkdirSync(`${out}/vendor`, { recursive: true });
const ours = (entryPoints, plugins = [], define = {}) =>
  build({
    ...common,
    entryPoints,
    outdir: out,
    format: 'esm',
    define: { DEVENV_VERSION: JSON.stringify(version), ...define },
    plugins: [...plugins, lazyVendors, lazyBuiltins],
    banner: {
      js: "const __vendor=process.getBuiltinModule('node:module').createRequire(import.meta.url),require=__vendor;",
    },
  });
const [own] = await Promise.all([
  ours({ main: 'src/cli/main.ts', 'watcher-thread': 'src/watch/watcher-thread.ts' }),
  ours({ box: 'src/cli/main.ts' }, [boxOnly], { DEVENV_ON_BOX: 'true' }),
  ...Object.entries(hot).map(([name, needed]) => {
    const define = name === 'remote' ? { DEVENV_ONLY_REMOTE: 'true' } : {};
    return ours({ [name]: 'src/cli/main.ts' }, [onlyCommand(needed)], define);
  }),
  ...vendors.map((name) =>
    build({
      ...common,
      stdin: {
        contents: entries[name]?.(namesOf(name).join(', ')) ?? `module.exports = require('${name}')`,
        resolveDir: process.cwd(),
        loader: 'js',
      },
      plugins: [onlyEnglish, withoutThreads, onlyOneCall],
      outfile: `${out}/vendor/${name}.cjs`,
      format: 'cjs',
      // One copy for both: node-ssh and our own code pass each other its objects.
      ...(name === 'node-ssh'
        ? { alias: { ssh2: './ssh2.cjs' }, external: [...common.external, './ssh2.cjs'] }
        : {}),
      // The only thing CommonJS lacks that these packages ask for.
      define: { 'import.meta.url': '__url' },
      banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" },
    }),
  ),
]);
// What boxes are sent is written once more as shortly as it can be: 4 % less, and another half of a percent by what the
// first time leaves to find. Vendors are the same files at home.
await Promise.all(
  ['box.js', 'watcher-thread.js', ...vendors.map((name) => `vendor/${name}.cjs`)].map(async (name) => {
    const module = name.endsWith('.js');
    const shorter = (text) =>
      minify(text, {
        module,
        compress: { passes: 2, module, toplevel: true },
        mangle: { topLevel: true },
        format: { comments: false },
      });
    const once = await shorter(readFileSync(`${out}/${name}`, 'utf8'));
    writeFileSync(`${out}/${name}`, (await shorter(once.code)).code);
  }),
);
writeFileSync(`${out}/meta.json`, JSON.stringify(own.metafile));

// What a remote box must have, exactly: the version and a hash of all that is sent there.
const hash = createHash('sha256');
for (const dir of ['bin', 'layouts', out])
  for (const name of readdirSync(dir, { recursive: true }).toSorted())
    if (/\.(js|cjs|yaml)$/.test(name)) hash.update(name).update(readFileSync(`${dir}/${name}`));
writeFileSync(`${out}/build-id`, `${version}+${hash.digest('hex').slice(0, 8)}\n`);
