export { attachSession, isAttached, setSessionOption, showMenu, showMessage } from './attach.ts';
export { findSession, pickWindows, requireSession, windowsOf } from './observe.ts';
export { lastLines, waitUntilReady, type ReadyOutcome } from './ready.ts';
export { restartable, restartWindows } from './restart.ts';
export { startSession, type Preflight, type StartResult } from './start.ts';
export { allStatuses, sessionStatus, type SessionStatus } from './status.ts';
export { endOrphans, stopSession, stopWindows, type StopResult } from './stop.ts';
export { runInWindow } from './task.ts';
export type { OwnSession, SessionDeps, WindowStatus } from './types.ts';
