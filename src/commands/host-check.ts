import { DevenvError, exitCodes, formatDuration } from '../base/index.ts';
import { checkBox, probeBox, type Probe } from '../remote/index.ts';
import { buildHere } from './bring-devenv.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { fine, fromError, type Finding } from './doctor/check.ts';
import { renderFindings } from './doctor/render.ts';
import { findTarget } from './on-host-run.ts';
import { withBox } from './with-box.ts';

/** `devenv host check NAME`: what a box has and lacks, with remedies. Exit status 3 when something needed is amiss. */
export async function hostCheck(
  ctx: CommandContext,
  input: { readonly host: string | undefined },
): Promise<CommandResult> {
  if (input.host === undefined)
    throw new DevenvError('usage', 'which host?', 'devenv host list names those that are known');
  const target = await findTarget(ctx, input.host);
  const build = buildHere();
  let checks: readonly Finding[];
  try {
    const began = ctx.clock.monotonic();
    const probe: Probe = await withBox(ctx, target, (transport) =>
      probeBox(transport, target, { env: ctx.env, signal: ctx.signal, build }),
    );
    const took = formatDuration(ctx.clock.monotonic() - began);
    const reached = fine('connection', `${target.ssh} by ${target.transport}, looked at in ${took}`);
    const found = checkBox(target.name, probe, { build, nowMs: ctx.clock.now() });
    checks = [reached, ...found];
  } catch (error) {
    if (!(error instanceof DevenvError) || /^(interrupted|usage)$/.test(error.code)) throw error;
    checks = [fromError('error', 'connection', error)];
  }
  const failed = checks.some(({ ok, level }) => !ok && level === 'error');
  const result = { json: { checks }, text: renderFindings(ctx, checks) };
  return failed ? { ...result, exit: exitCodes.environment } : result;
}
