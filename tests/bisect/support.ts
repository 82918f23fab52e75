import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Created, CreateInput } from '../../src/checkpoint/index.ts';
import { bisect, type BisectCommandInput } from '../../src/commands/bisect.ts';
import type { CommandContext } from '../../src/commands/context.ts';
import { openTestRepo, makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { testContext, type Printed } from '../commands/context.ts';

/** What `devenv bisect --json` says, as far as the tests read it. */
export interface BisectJson {
  readonly verdict: string;
  readonly firstBad: { readonly name: string; readonly tag: string | null; readonly commit: string } | null;
  readonly suspects: readonly { readonly name: string }[];
  readonly before: { readonly name: string };
  readonly suites: readonly string[];
  readonly results: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly by: string;
    readonly flaky: boolean;
    readonly why: string;
  }[];
  readonly files: readonly { readonly path: string; readonly change: string }[];
  readonly patch: string;
}

export interface Line {
  readonly t: TestRepo;
  /** The checkpoint of each state, in order. */
  readonly tags: readonly string[];
  readonly ctx: CommandContext & Printed;
  readonly bisect: (input?: Partial<BisectCommandInput>) => ReturnType<typeof bisect>;
  readonly bisectJson: (input?: Partial<BisectCommandInput>) => Promise<BisectJson>;
  /** Takes a checkpoint of one more state. */
  readonly add: (state: string, input?: Partial<CreateInput>) => Promise<Created>;
  /** What the suite saw so far, one entry a run; each call starts anew. */
  readonly runs: () => readonly string[];
}

/**
 * The suite says what `state.txt` says: `good 1`, `bad 2`, `broken 3`, `flaky 4` (fails once), `wait 5` (until it is ended);
 * it writes down what it saw, outside of the repository, and leaves litter behind.
 */
export const suiteScript = `state=$(cat state.txt)
echo "$state" >> "$RUNS_LOG"
for litter in litter.txt ignored/deep/litter.txt a.txt; do
  if grep -q litter $litter 2>/dev/null && ! grep -qxF "litter of $state" $litter; then echo "$litter of before" >> "$RUNS_LOG"; fi
done
mkdir -p ignored/deep
for litter in litter.txt ignored/deep/litter.txt a.txt; do echo "litter of $state" > $litter; done
test -e breaks.txt && exit 1
case "$state" in
  bad*) exit 1 ;;
  broken*) exit 127 ;;
  flaky*) test -e "$RUNS_LOG.flaky" || { : > "$RUNS_LOG.flaky"; exit 1; } ;;
  wait*) test -e "$RUNS_LOG.go" || { echo $$ > "$RUNS_LOG.waits"; sleep 600; } ;;
esac
exit 0
`;

export const config = `name: x
suites:
  unit: { command: sh check.sh }
  style: { command: "true" }
gates: { tests: { suites: [unit, style] } }
checkpoint: { gates: [tests] }
`;

/** A project whose states are checkpoints, the first one good. */
export async function makeLine(states: readonly string[], options: { name?: string } = {}): Promise<Line> {
  const first = await makeRepo({
    files: {
      'devenv.yaml': config,
      'check.sh': suiteScript,
      'state.txt': `${states[0]}\n`,
      'a.txt': 'a\n',
      '.gitignore': 'ignored/\nnode_modules\n',
    },
  });
  let t = first;
  if (options.name !== undefined) {
    const dir = path.join(first.dir, options.name);
    await first.git('worktree', 'add', '-q', '--detach', dir);
    t = await openTestRepo(dir, first.env);
  }
  const log = path.join(first.env['HOME'] ?? '', 'runs.log');
  mkdirSync(path.dirname(log), { recursive: true });
  const env = { ...t.env, RUNS_LOG: log };
  const ctx = testContext({ env, cwd: t.dir });
  const call = (input: Partial<BisectCommandInput>, json: boolean): ReturnType<typeof bisect> =>
    bisect({ ...ctx, json }, { commits: false, fresh: false, reset: false, ...input });
  let seen = 0;
  const line: Line = {
    t: { ...t, env },
    tags: [],
    ctx,
    bisect: (input = {}) => call(input, false),
    bisectJson: async (input = {}) => (await call(input, true)).json as BisectJson,
    add: async (state, input = {}) => {
      t.write('state.txt', `${state}\n`);
      return t.checkpoint({ verdict: state.startsWith('good') ? 'passed' : 'failed', ...input });
    },
    runs: () => {
      const all = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
      const fresh = all.slice(seen);
      seen = all.length;
      return fresh;
    },
  };
  const tags: string[] = [];
  for (const [index, state] of states.entries())
    tags.push((await line.add(state, { verdict: index === 0 ? 'passed' : 'unverified' })).tag);
  return { ...line, tags };
}
