import { DevenvError } from '../../base/index.ts';
import type { Target, Transport } from '../types.ts';
import { readRemoval, removeScript, type Removal } from './remove-script.ts';

/**
 * Removes devenv from a box, all that it put there. Throws `refused` while something of it is at work there or is
 * scheduled, unless `yes`; `environment` when it could not be done.
 */
export async function removeFromBox(
  transport: Transport,
  target: Target,
  input: { readonly yes: boolean; readonly signal: AbortSignal },
): Promise<Removal> {
  const result = await transport.run({ ...removeScript(input.yes), signal: input.signal });
  const removal = readRemoval(result.stdout.toString('utf8'));
  if (removal.kind === 'removed') return removal;
  if (removal.kind === 'refused') throw refusal(target.name, removal);
  throw new DevenvError('environment', `${target.name}: ${removal.why}`, 'mend that and run it again');
}

function refusal(name: string, { sessions, busy, scheduled }: Removal): DevenvError {
  const yes = `or --yes, which also ${scheduled ? 'takes that away' : 'ends that'}`;
  if (sessions.length > 0)
    return new DevenvError(
      'refused',
      `${name}: a session of devenv runs there: ${sessions.join(', ')}`,
      `devenv stop --host ${name} ends it; or --yes, which ends it${scheduled ? ' and takes the nightly run away' : ''}`,
    );
  if (busy.length > 0)
    return new DevenvError(
      'refused',
      `${name}: devenv is at work there: ${busy[0] ?? ''}`,
      `wait for its end, ${yes}`,
    );
  return new DevenvError(
    'refused',
    `${name}: devenv runs there by a schedule (crontab or timer)`,
    `devenv cron remove --host ${name} ends that, ${yes}`,
  );
}
