export * from './client.ts';
export * from './panes.ts';
export * from './quote.ts';
export { socketPath } from './socket.ts';
export * from './version.ts';
