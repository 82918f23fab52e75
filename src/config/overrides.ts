import { nearest } from '../base/index.ts';
import type { Document } from './document.ts';
import { didYouMean, type Problem } from './problems.ts';
import { mergeTrees } from './merge.ts';
import type { Tree } from './tree.ts';

/** Settings a variable can override: `checkpoint.every` is DEVENV_CHECKPOINT_EVERY. A list is separated by commas. */
const settings = {
  name: 'text',
  'watch.suites': 'list',
  'watch.debounce': 'text',
  'watch.ignore': 'list',
  'checkpoint.every': 'text',
  'checkpoint.quiet': 'text',
  'checkpoint.gates': 'list',
  'checkpoint.on_failure': 'text',
  'checkpoint.verify_in': 'text',
  'checkpoint.tags': 'text',
  'checkpoint.max_file': 'text',
  'checkpoint.keep.last': 'text',
  'checkpoint.keep.hourly': 'text',
  'checkpoint.keep.daily': 'text',
  'checkpoint.keep.weekly': 'text',
  'checkpoint.keep.monthly': 'text',
  'checkpoint.keep.yearly': 'text',
  'checkpoint.keep.within': 'text',
  'checkpoint.keep.within_hourly': 'text',
  'checkpoint.keep.within_daily': 'text',
  'checkpoint.keep.within_weekly': 'text',
  'checkpoint.keep.within_monthly': 'text',
  'checkpoint.keep.within_yearly': 'text',
  'checkpoint.keep.max_disk': 'text',
  'nightly.at': 'text',
  'nightly.timeout': 'text',
  'nightly.suites': 'list',
  'nightly.gates': 'list',
  'nightly.min_disk': 'text',
  'nightly.on_failure': 'text',
  'nightly.keep_reports': 'text',
  'worktree.link': 'list',
  'worktree.copy': 'list',
  'logs.dir': 'text',
  'logs.max_size': 'text',
  'logs.keep': 'text',
} as const satisfies Record<string, 'text' | 'list'>;

const variableOf = (setting: string): string => `DEVENV_${setting.replaceAll('.', '_').toUpperCase()}`;
const variables = new Map(
  Object.entries(settings).map(([setting, kind]) => [variableOf(setting), { setting, kind }]),
);
/** Only these are checked for slips: other DEVENV_* variables are the program's own. */
const family = /^DEVENV_(WATCH|CHECKPOINT|NIGHTLY|WORKTREE|LOGS)_/;

/** The layout that DEVENV_LAYOUT names. */
export const layoutOverride = (env: NodeJS.ProcessEnv): string | undefined =>
  env['DEVENV_LAYOUT'] || undefined;

/** DEVENV_* variables as a document that goes over all files; an empty variable counts as unset. */
export function overridesFrom(env: NodeJS.ProcessEnv): {
  document: Document;
  used: Record<string, string>;
  problems: Problem[];
} {
  let value: Tree = {};
  const at: Record<string, string> = {};
  const used: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!text || !variable.startsWith('DEVENV_')) continue;
    const known = variables.get(variable);
    if (known !== undefined) {
      const given = known.kind === 'list' ? text.split(',').map((part) => part.trim()) : text;
      value = mergeTrees(value, nested(known.setting.split('.'), given), []);
      used[variable] = text;
      at[known.setting] = variable;
    } else if (family.test(variable))
      problems.push({
        at: variable,
        message: `no setting has this variable${didYouMean(nearest(variable, variables.keys()))}`,
      });
  }
  return { document: { value, at }, used, problems };
}

/** `value` below this path of keys. */
function nested(path: readonly string[], value: unknown): Tree {
  const [key = '', ...rest] = path;
  return { [key]: rest.length === 0 ? value : nested(rest, value) };
}
