import type { Checkpoint } from '../checkpoint/index.ts';
import type { Project } from '../config/index.ts';
import type { Repo } from '../git/index.ts';
import type { PutAway } from '../rollback/index.ts';
import type { Verification, VerifyDeps, VerifyEvents } from '../verify/index.ts';
import type { CheckpointerEvent, Facts } from './types.ts';

/** What is known of the work tree besides its files, asked anew at every step. */
export interface Watched {
  /** The tree as it was last found; undefined before the first look. */
  readonly key: string | undefined;
  /** Monotonic. */
  readonly editedAt: number;
  readonly testing: boolean;
  /** The watcher's last whole verdict, with the key of its tree. */
  readonly judged: { readonly key: string; readonly found: Verification } | undefined;
}

/** As much of a rollback's outcome as is told. */
export interface RolledBack {
  /** The commit that holds what was there before. */
  readonly from: string;
  readonly to: string;
  readonly undo: string | null;
  readonly written: readonly string[];
  readonly deleted: readonly string[];
  readonly restarted: readonly string[];
  /** The files are back, but a service could not be restarted: why. */
  readonly restartError?: string | undefined;
  readonly putAway: PutAway;
}

/** Who looks: the timed checkpointer, or the nightly run. */
export type Who = 'timer' | 'nightly';

export interface StepInput {
  readonly repo: Repo;
  readonly around: {
    attended(): Promise<boolean>;
    /** Puts a checkpoint back. Rejects where that is refused. */
    rollBack(input: {
      readonly target: string;
      readonly reason: 'checkpointer' | 'nightly';
    }): Promise<RolledBack>;
    /** Takes the last rollback back. */
    undo(): Promise<unknown>;
    /** One line for everybody who is attached. */
    tell(text: string): Promise<void>;
    /** Puts a choice before the person; does not wait for the answer. */
    ask(question: {
      readonly why: string;
      readonly checkpoint: string;
      readonly tree: string;
    }): Promise<void>;
  };
  readonly watched: () => Watched;
  readonly ignored: (path: string) => boolean;
  /** The tree is another one than was believed, or will be: who watches it should look. */
  readonly hint: () => void;
  /** Whether the configuration still is the one on the disk. */
  readonly configured: () => Promise<boolean>;
  readonly events: VerifyEvents;
}

/** What the steps of a look work with. */
export interface StepContext {
  readonly deps: VerifyDeps;
  readonly project: Project;
  readonly who: Who;
  /** The suites and gates that judge. */
  readonly by: { readonly suites: readonly string[]; readonly gates: readonly string[] };
  readonly input: StepInput;
  /** The present; undefined before the first look at the tree. */
  readonly gather: () => Promise<Facts | undefined>;
  /** Decides about what happened, and does what follows. */
  readonly handle: (event: CheckpointerEvent, checkpoint?: Checkpoint) => Promise<void>;
  /** Says what it is at. */
  readonly say: (why: string) => void;
  /** Looks again in a moment. */
  readonly soon: () => void;
  readonly signal: () => AbortSignal;
  /** The last good checkpoint, as `gather` found it. */
  readonly good: () => Checkpoint | undefined;
  /** The last verification, which what follows needs. */
  readonly verified: { last: Verification | undefined };
}
