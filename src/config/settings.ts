import { maskSecrets, secretValues } from '../base/index.ts';
import { madeFrom, settingsOf, type BuiltProject } from './build.ts';
import type { Project } from './types.ts';

/** One value of the effective configuration, as it is written, and where it comes from. */
export interface Setting {
  /** Dotted, as in devenv.yaml: `windows.api.port`. */
  readonly key: string;
  readonly value: string | number | boolean | readonly unknown[];
  readonly origin: string;
}

/** Every value in force, in the order of the file; values that look secret are masked. */
export function explainProject(project: Project): readonly Setting[] {
  const source = (project as BuiltProject)[madeFrom];
  if (!source) return [];
  const tree = mask(settingsOf(source, project), secretsOf(project, source.env));
  return flatten(tree, []).map(({ path, value }) => ({
    key: path.join('.'),
    value,
    origin: originOf(project, path),
  }));
}

/** The configuration as plain data, in which values that look secret are `***`. */
export function maskedConfig(project: Project): unknown {
  const source = (project as BuiltProject)[madeFrom];
  return mask(project.config, secretsOf(project, source?.env ?? {}));
}

function secretsOf({ config }: Project, env: NodeJS.ProcessEnv): readonly string[] {
  return [
    env,
    config.env,
    ...config.windows.map((window) => window.env),
    ...config.suites.map((suite) => suite.env),
  ].flatMap(secretValues);
}

function mask(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return maskSecrets(value, secrets);
  if (Array.isArray(value)) return value.map((item) => mask(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mask(item, secrets)]));
}

function originOf({ origins }: Project, path: readonly string[]): string {
  return origins[path.join('.')] ?? 'default';
}

function flatten(
  value: unknown,
  path: readonly string[],
): { path: readonly string[]; value: Setting['value'] }[] {
  if (Array.isArray(value)) return [{ path, value: value as readonly unknown[] }];
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, item]) => flatten(item, [...path, key]));
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? [{ path, value }]
    : [];
}
