import { DevenvError } from '../base/index.ts';
import type { BisectPlan } from './plan.ts';
import type { BisectState } from './types.ts';

/** The error for an end that is not what it was said to be, with what can be done. */
export function wrongEnd(state: BisectState, plan: BisectPlan & { readonly kind: 'wrong-end' }): DevenvError {
  const candidate = plan.end === 'bad' ? state.candidates.at(-1) : state.candidates[0];
  const name = candidate?.name ?? plan.end;
  const why = state.results.find((one) => one.tree === candidate?.tree)?.why ?? '';
  const what = state.asked.run !== null ? 'the command' : (state.suites?.join(', ') ?? 'every suite');
  const scratch =
    'it runs in a scratch work tree, which lacks what git ignores: see worktree.link in devenv.yaml';
  if (plan.verdict === 'skip')
    return new DevenvError(
      'failed',
      `${name} cannot be judged: ${why}`,
      `${scratch}; or name another one with --${plan.end}`,
    );
  if (plan.end === 'bad')
    return new DevenvError(
      'failed',
      `${name} is not bad: ${what} passes on it${why === '' ? '' : ` (${why})`}`,
      `name one that fails with --bad, or what fails with --suite or --run; ${scratch}`,
    );
  return new DevenvError(
    'failed',
    `${name} is not good: ${why}`,
    `name an older one that worked with --good; if this one did work, ${scratch}`,
  );
}
