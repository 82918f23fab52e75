import type { ProbeConfig } from '../../config/index.ts';

/** What a probe saw. */
export interface ProbeResult {
  readonly ok: boolean;
  /** For people: `http://localhost:8080/health answered 503`. */
  readonly detail: string;
}

/** What probes may look at. */
export interface ProbeContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** One look takes no longer than this. */
  readonly limitMs: number;
  /** The pane's log and where this start's part of it begins. */
  readonly logFile: string | undefined;
  readonly logFrom: number;
}

/** One way of knowing that a service is ready. Never throws: what goes wrong is a `detail`. */
export type Probe<K extends ProbeConfig['kind']> = (
  config: Extract<ProbeConfig, { kind: K }>,
  context: ProbeContext,
) => Promise<ProbeResult>;

export type Probes = { readonly [K in ProbeConfig['kind']]: Probe<K> };
