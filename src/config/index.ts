export { loadProject, resolvePorts } from './load.ts';
export { listLayouts } from './layouts.ts';
export { findRoot, type Root } from './root.ts';
export type * from './types.ts';
