import type { Clock } from '../base/index.ts';

/** What a schedule touches the world with: programs are looked for on the environment's PATH. */
export interface CronDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

export type Backend = 'cron' | 'systemd';

/** One project's nightly run as it was scheduled. */
export interface Job {
  readonly id: string;
  /** The project's name and folder. */
  readonly name: string;
  readonly root: string;
  /** `HH:MM`, in this machine's time zone. */
  readonly at: string;
  readonly backend: Backend;
  /** The script that the schedule calls, and the programs that it calls. */
  readonly wrapper: string;
  readonly node: string;
  readonly program: string;
  /** Milliseconds since 1970: when it was scheduled for this time. */
  readonly installedAt: number;
  /** When it is due next, as far as was known when this was written. */
  readonly nextAt: number;
}
