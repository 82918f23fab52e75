/* Who may import whom: docs/architecture.md draws it, this file enforces it. */
const ranks = [
  ['base'],
  ['tmux', 'git', 'store', 'config', 'ports', 'logs'],
  ['session', 'checkpoint', 'suites', 'gates', 'cron'],
  ['verify', 'rollback', 'open'],
  ['checkpointer'],
  ['watch', 'bisect', 'remote', 'nightly', 'scenarios'],
  ['commands'],
  ['cli'],
];
const vendors = {
  execa: 'base',
  pino: 'base',
  'string-width': 'base',
  'fastest-levenshtein': 'base',
  'simple-git': 'git',
  'node:sqlite': 'store',
  chokidar: 'watch',
  croner: 'cron',
  'node-ssh': 'remote',
  ssh2: 'remote',
  'ssh-config': 'remote',
  commander: 'cli',
  listr2: 'cli',
  yaml: 'config',
  zod: 'config',
  saxes: 'suites',
  ignore: 'watch',
};
const rankRules = ranks.flatMap((folders, rank) =>
  folders.map((folder) => {
    const allowed = [...ranks.slice(0, rank).flat(), folder];
    return {
      name: `layer-${folder}`,
      comment: `${folder} (rank ${rank}) may import only folders of a lower rank`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(${allowed.join('|')})/` },
    };
  }),
);
/** Folders with other doors than their index.ts: the transfer of code is not loaded with every remote command. */
const doors = { commands: '^src/commands/[a-z-]+\\.ts$', remote: '^src/remote/(code/)?index\\.ts$' };
const doorRules = ranks
  .flat()
  .filter((f) => f !== 'cli')
  .map((folder) => ({
    name: `door-${folder}`,
    comment: `other folders import ${folder} only through its index.ts (commands: one file each; remote: code/ has a door of its own)`,
    severity: 'error',
    from: { path: '^src/', pathNot: `^src/${folder}/` },
    to: {
      path: `^src/${folder}/`,
      pathNot: doors[folder] ?? `^src/${folder}/index\\.ts$`,
    },
  }));
const vendorRules = Object.entries(vendors).map(([name, folder]) => ({
  name: `vendor-${name.replace(':', '-')}`,
  comment: `${name} is imported in src/${folder} only`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${folder}/` },
  to: { path: name.startsWith('node:') ? `^(node:)?${name.slice(5)}$` : `node_modules/${name}/` },
}));
module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unknown-folder',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${ranks.flat().join('|')})/` },
      to: {},
    },
    ...rankRules,
    ...doorRules,
    ...vendorRules,
  ],
  options: {
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
