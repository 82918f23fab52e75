import { findRoot } from '../config/index.ts';
import { beginStart } from '../session/index.ts';
import { createTmux, listingAhead } from '../tmux/index.ts';
import type { Begun, Place } from './begun.ts';

/** For `start`: tmux starts, and tells what it holds. */
export function beginSession({ cwd, env }: Place): Begun {
  return { start: beginStart(env, findRoot(cwd).root) };
}

/** For `status`: tmux lists its panes. */
export function beginListing({ env }: Place): Begun {
  return { tmux: listingAhead(createTmux(env)) };
}
