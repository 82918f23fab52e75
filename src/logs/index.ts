export * from './files.ts';
export * from './logger.ts';
