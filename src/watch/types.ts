import type { Logger } from '../base/index.ts';
import type { SuiteResult } from '../suites/index.ts';
import type { Verdict, VerifyDeps } from '../verify/index.ts';
import type { Decision, RolledBack } from '../checkpointer/index.ts';

/** What the watcher touches the world with. */
export interface WatchDeps extends VerifyDeps {
  /** devenv's own diary. */
  readonly log: Logger;
}

/** What is around the watcher; none of it may fail the watching, so a rejection is only noted. */
export interface Surroundings {
  /** Whether a person is there to be asked. */
  attended(): Promise<boolean>;
  /** Puts a choice before the person (a tmux menu); does not wait for the answer. */
  ask(question: Question): Promise<void>;
  /** The question that was asked last is none any more. */
  withdraw(): Promise<void>;
  /** One line for everybody who is attached. */
  tell(text: string): Promise<void>;
  /** What the session's status line says. */
  showStatus(text: string): Promise<void>;
  /** Takes the last rollback back. */
  undo(): Promise<unknown>;
  /** Puts a checkpoint back. Rejects where that is refused. */
  rollBack(input: {
    readonly target?: string;
    readonly reason: 'user' | 'checkpointer' | 'nightly';
  }): Promise<RolledBack>;
}

export interface Question {
  readonly why: string;
  readonly checkpoint: string;
  /** The tree that fails, as git names it: the answer is about no other. */
  readonly tree: string;
}

type SuiteState = 'waiting' | 'running' | 'rerunning' | SuiteResult['verdict'];

export interface SuiteView {
  readonly name: string;
  readonly state: SuiteState;
  readonly result: SuiteResult | undefined;
}

/** All that a screen shows. */
export interface View {
  readonly project: string;
  readonly branch: string | null;
  /** `halted`: there is a mistake in the configuration, and nothing is judged. */
  readonly phase: 'starting' | 'idle' | 'testing' | 'judging' | 'paused' | 'held' | 'halted';
  readonly suites: readonly SuiteView[];
  /** The tree the results are of, as git names it. */
  readonly tree: string | null;
  readonly checkpoint: { readonly tag: string; readonly at: number } | undefined;
  /** undefined: no timed checkpoints here, `why` says why. */
  readonly nextAt: number | undefined;
  readonly why: string;
  /** Newest first. */
  readonly decisions: readonly (Decision & { readonly at: number })[];
  /** What should be known as long as it lasts. */
  readonly notes: readonly string[];
}

/** What happened, one at a time, for logs and `--json`. */
export type WatchEvent =
  | {
      readonly kind: 'testing';
      readonly tree: string | null;
      readonly suites: readonly string[];
      readonly reason: string;
    }
  | { readonly kind: 'rerun'; readonly suite: string; readonly attempt: number }
  | { readonly kind: 'result'; readonly tree: string | null; readonly result: SuiteResult }
  | {
      readonly kind: 'verdict';
      readonly tree: string | null;
      readonly verdict: Verdict;
      readonly why?: string | undefined;
    }
  | { readonly kind: 'checkpointer'; readonly decision: Decision }
  | { readonly kind: 'note'; readonly text: string }
  /** Only the picture is another one. */
  | { readonly kind: 'view' };

export type Report = (event: WatchEvent, view: View) => void;
