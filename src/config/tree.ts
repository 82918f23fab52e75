/** Parsed data whose shape is not known yet. */
export type Tree = Readonly<Record<string, unknown>>;

/** Whether a value is a mapping. */
export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The mapping itself, or an empty one for anything else. */
export const treeOf = (value: unknown): Tree => (isTree(value) ? value : {});
