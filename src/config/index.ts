export { bareProject } from './bare.ts';
export { initProject } from './init.ts';
export { listLayouts } from './layouts.ts';
export { loadHosts, loadProject, resolvePorts } from './load.ts';
export { openedDir, readMarker, readOpened, type OpenedMarker } from './opened.ts';
export { configFiles, reloadProject } from './reload.ts';
export { findRoot } from './root.ts';
export { explainProject, maskedConfig, type Setting } from './settings.ts';
export type * from './types.ts';
