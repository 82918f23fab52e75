import type { Files } from './types.ts';

/** The parts of package.json that detection reads. */
export interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: ReadonlySet<string>;
  readonly workspaces: readonly string[];
  readonly packageManager: string | undefined;
}

/** Reads package.json; one that is no JSON object counts as missing. */
export function readManifest(files: Files): Manifest | undefined {
  const json = parseObject(files.text('package.json'));
  if (!json) return undefined;
  const workspaces = Array.isArray(json['workspaces'])
    ? json['workspaces']
    : objectOf(json['workspaces'])['packages'];
  return {
    scripts: stringsOf(json['scripts']),
    dependencies: new Set(
      ['dependencies', 'devDependencies'].flatMap((key) => Object.keys(objectOf(json[key]))),
    ),
    workspaces: [
      ...(Array.isArray(workspaces) ? workspaces.filter((glob) => typeof glob === 'string') : []),
      ...pnpmWorkspaces(files),
    ],
    packageManager: typeof json['packageManager'] === 'string' ? json['packageManager'] : undefined,
  };
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text ?? 'null');
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : undefined;
  } catch {
    return undefined; // a package.json being edited
  }
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

function stringsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectOf(value)).flatMap(([key, item]) => (typeof item === 'string' ? [[key, item]] : [])),
  );
}

/** `packages:` of pnpm-workspace.yaml: a list of patterns, read without a YAML parser. */
function pnpmWorkspaces(files: Files): string[] {
  const block =
    /^packages:\s*\n((?:[ \t]*(?:-.*|#.*)?\n?)*)/m.exec(files.text('pnpm-workspace.yaml') ?? '')?.[1] ?? '';
  return [...block.matchAll(/^[ \t]*-\s*['"]?([^'"#\n]+?)['"]?\s*(?:#.*)?$/gm)].map(
    (match) => match[1] ?? '',
  );
}

const lockfiles = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
  'package-lock.json': 'npm',
} as const;
export type PackageManager = (typeof lockfiles)[keyof typeof lockfiles];

/** The package manager by `packageManager`, then by lockfile, else npm. */
export function packageManagerOf(files: Files, manifest: Manifest): PackageManager {
  const named = /^(npm|pnpm|yarn|bun)@/.exec(manifest.packageManager ?? '')?.[1];
  const managers = Object.values(lockfiles);
  return (
    managers.find((manager) => manager === named) ??
    Object.entries(lockfiles).find(([file]) => files.has(file))?.[1] ??
    (files.has('pnpm-workspace.yaml') ? 'pnpm' : 'npm')
  );
}

/** The command that runs a script, as people write it. */
export function runScript(manager: PackageManager, script: string, args = ''): string {
  const word = manager === 'npm' && (script === 'test' || script === 'start') ? script : `run ${script}`;
  return `${manager} ${word}${args && (manager === 'npm' ? ` -- ${args}` : ` ${args}`)}`;
}

/** The command that runs a tool which the project has installed. */
export const execute = (manager: PackageManager, command: string): string =>
  `${{ npm: 'npx', pnpm: 'pnpm exec', yarn: 'yarn', bun: 'bunx' }[manager]} ${command}`;

/** Ports that development servers take when nobody says otherwise, by the word that starts them. */
const usualPorts: readonly (readonly [RegExp, number])[] = [
  [/\bvite(?!st)\b/, 5173],
  [/\bnext\b/, 3000],
  [/\bnuxi?t?\b/, 3000],
  [/\bastro\b/, 4321],
  [/\breact-scripts\b/, 3000],
  [/\bng serve\b/, 4200],
  [/\bvue-cli-service\b/, 8080],
  [/\bgatsby\b/, 8000],
  [/\bwebpack(-dev-server| serve)\b/, 8080],
  [/\bstorybook\b/, 6006],
];

/** Whether a script starts the development server of a user interface. */
export const startsUi = (script: string): boolean => usualPorts.some(([word]) => word.test(script));

/** The port a script's server will have, where that can be told: its own option, its config, the usual one. */
export function portOf(files: Files, script: string): number | undefined {
  const option = /(?:--port[= ]|\s-p[= ]?|\bPORT=)(\d{2,5})\b/.exec(script)?.[1];
  if (option !== undefined) return Number(option);
  if (/\bvite(?!st)\b/.test(script)) {
    const config = ['vite.config.ts', 'vite.config.js', 'vite.config.mts', 'vite.config.mjs']
      .map((name) => files.text(name))
      .find(Boolean);
    const written = /\bserver\s*:\s*\{[^}]*?\bport\s*:\s*(\d{2,5})\b/s.exec(config ?? '')?.[1];
    if (written !== undefined) return Number(written);
  }
  return usualPorts.find(([word]) => word.test(script))?.[1];
}
