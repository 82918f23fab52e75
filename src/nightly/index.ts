export { renderMarkdown } from './markdown.ts';
export { exitOf, isBad } from './outcome.ts';
export { readReports, reportDir } from './places.ts';
export type { Finished } from './finish.ts';
export { runNightly, type NightlyInput } from './run.ts';
export { healSession } from './session.ts';
export type { NightlyDeps, NightlyReport, Surroundings } from './types.ts';
