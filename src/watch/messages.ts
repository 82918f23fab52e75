/** What the thread is started with. */
export interface ThreadInput {
  readonly top: string;
  readonly excludeFiles: readonly string[];
  readonly globs: readonly string[];
  /** Files (absolute) that count also when the rules ignore them. */
  readonly always: readonly string[];
  /** The git directory of this work tree: a change of its HEAD or index is a hint too. */
  readonly gitDir: string | undefined;
}

/** What the thread tells. Paths are relative to the top; `more` says that only the first of many are named. */
export type ThreadMessage =
  /** Everything is watched; told again after the rules of what is ignored have changed. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'changed'; readonly paths: readonly string[]; readonly more: boolean }
  | { readonly kind: 'degraded'; readonly why: string };
