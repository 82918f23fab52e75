import type { Written } from './schema.ts';

/** One configuration file after it was parsed and validated; plain data, so that it can be cached as JSON. */
export interface Document {
  readonly value: Written;
  /** Where each key stands, by dotted path: `windows.api.port` -> `devenv.yaml:7:5`. */
  readonly at: Readonly<Record<string, string>>;
}

export type DocumentKind = 'config' | 'layout';

/** The place of a path, or of the nearest key above it. */
export function placeIn(
  at: Readonly<Record<string, string>>,
  path: readonly (string | number)[],
): string | undefined {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const key = path.slice(0, depth).join('.');
    if (Object.hasOwn(at, key)) return at[key];
  }
  return undefined;
}
