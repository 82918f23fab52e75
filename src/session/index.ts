export { attachSession, isAttached, setSessionOption, showMenu, showMessage, type Menu } from './attach.ts';
export {
  findSession,
  ownSessions,
  pickWindows,
  requireSession,
  unknownWindow,
  windowsOf,
} from './observe.ts';
export { planSession, wantedWindows, type SessionPlan } from './plan.ts';
export { lastLines, waitUntilReady, type ReadyOutcome, type WaitOptions } from './ready.ts';
export { restartWindows } from './restart.ts';
export { startSession, type StartOptions, type StartResult } from './start.ts';
export { allStatuses, sessionStatus, type SessionStatus } from './status.ts';
export { stopSession, stopWindows, type StopResult } from './stop.ts';
export { runInWindow, type TaskOptions } from './task.ts';
export type { OwnSession, OwnWindow, PaneStatus, SessionDeps, WindowStatus } from './types.ts';
