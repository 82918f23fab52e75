export * from './clean.ts';
export * from './files.ts';
export type { LogLine } from './lines.ts';
export * from './logger.ts';
export { readLogs, type ReadLogsInput } from './read.ts';
export { listSources } from './sources.ts';
