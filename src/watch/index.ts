export { watchIgnored } from './ignored.ts';
export { describeEvent, jsonReport, lineReport, screenReport } from './report.ts';
export { watchProject } from './configured.ts';
export type { Question, Surroundings, View, WatchEvent } from './types.ts';
