export { hostZone, isChangeHour, lastDue, nextDue, usualTime } from './due.ts';
export { installJob, refreshJob, removeJob, type Installed, type Removed } from './install.ts';
export { listJobs, type ListedJob } from './list.ts';
export {
  isOverdue,
  nightLockName,
  readNights,
  runningNight,
  writeNights,
  type Night,
  type Nights,
} from './nights.ts';
export { readJob } from './places.ts';
export type { Backend, CronDeps, Job } from './types.ts';
