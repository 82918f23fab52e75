export { watchIgnored } from './ignored.ts';
export { describeEvent, jsonReport, lineReport, screenReport } from './report.ts';
export { watchProject, type WatchInput } from './watch.ts';
export type { Question, Report, RolledBack, Surroundings, View, WatchDeps, WatchEvent } from './types.ts';
