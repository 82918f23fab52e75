import { DevenvError, formatTable } from '../base/index.ts';
import { loadProject } from '../config/index.ts';
import { openStore } from '../store/index.ts';
import { verify, type Verification } from '../verify/index.ts';
import { watchIgnored } from '../watch/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { withPorts } from './start.ts';

/** `devenv gate [NAME...]`: evaluates gates (default: all) on the tree as it is; their suites run for it. */
export async function gate(
  ctx: CommandContext,
  input: { readonly names: readonly string[] },
): Promise<CommandResult> {
  const project = await withPorts(ctx, await loadProject({ cwd: ctx.cwd, env: ctx.env }));
  const { gates } = project.config;
  if (gates.length === 0)
    throw new DevenvError(
      'config',
      'this project has no gates',
      'add one in devenv.yaml: gates: { lint: { command: npm run lint } }',
    );
  const names = input.names.length > 0 ? input.names : gates.map((one) => one.name);
  const store = openStore(ctx.env, ctx.clock);
  try {
    const found = await verify({ env: ctx.env, clock: ctx.clock, store }, project, {
      gates: names,
      reason: 'gate',
      signal: ctx.signal,
      ignored: watchIgnored(project),
      on: { start: (name) => ctx.note(`running ${name}`) },
    });
    if (found.verdict === 'stopped') throw new DevenvError('interrupted', 'stopped');
    return result(ctx, found);
  } finally {
    store.close();
  }
}

function result({ colors }: CommandContext, found: Verification): CommandResult {
  const green = found.verdict === 'passed' || found.verdict === 'flaky';
  const paint = { passed: colors.green, failed: colors.red, flaky: colors.yellow, broken: colors.red };
  const rows = found.gates.map(({ name, verdict, detail }) => [paint[verdict](verdict), name, detail]);
  const stale = found.verdict === 'stale' ? [`no verdict: ${found.why ?? 'the tree changed'}`] : [];
  return {
    json: { tree: found.tree, verdict: found.verdict, gates: found.gates },
    text: [formatTable(rows), ...stale].join('\n'),
    ...(green ? {} : { exit: 1 }),
  };
}
