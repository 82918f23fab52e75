export { renderMarkdown } from './markdown.ts';
export { exitOf, isBad } from './outcome.ts';
export { readReports, reportDir } from './places.ts';
export { runNightly, type Finished, type NightlyInput } from './run.ts';
export { healSession } from './session.ts';
export type { NightlyDeps, NightlyReport, Surroundings } from './types.ts';
