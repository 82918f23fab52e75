import { isAlive } from '../base/index.ts';
import type { StoredEvent } from '../store/index.ts';

/** One decision of the timed checkpointer, as `status -v` tells it. */
export interface DecisionFacts {
  readonly at: string;
  readonly kind: string;
  readonly text: string;
}

/** What the timed checkpointer left: when it looks next, and why it last did what it did. */
export function nextLook(kept: unknown): { readonly nextAt: string | null; readonly why: string | null } {
  if (typeof kept !== 'object' || kept === null) return { nextAt: null, why: null };
  // It was killed: what it left is not true any more.
  if ('pid' in kept && typeof kept.pid === 'number' && !isAlive(kept.pid))
    return { nextAt: null, why: 'devenv watch is not running' };
  const nextAt =
    'nextAt' in kept && typeof kept.nextAt === 'number' ? new Date(kept.nextAt).toISOString() : null;
  return { nextAt, why: 'why' in kept && typeof kept.why === 'string' ? kept.why : null };
}

/** So many events of all kinds are looked through for decisions. */
export const lookedThrough = 200;
const toldDecisions = 10;

/** The latest decisions among events, newest first. */
export function decisionsOf(events: readonly StoredEvent[]): readonly DecisionFacts[] {
  return events
    .flatMap(({ kind, at, data }): readonly DecisionFacts[] => {
      if (kind !== 'checkpointer' || typeof data !== 'object' || data === null) return [];
      const word = 'kind' in data && typeof data.kind === 'string' ? data.kind : '';
      const text = 'text' in data && typeof data.text === 'string' ? data.text : '';
      return [{ at: new Date(at).toISOString(), kind: word, text }];
    })
    .slice(0, toldDecisions);
}
