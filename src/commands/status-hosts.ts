import { DevenvError, formatAge, formatTable } from '../base/index.ts';
import { boxScript, openTransport, readNeed, resolveTarget, type Target } from '../remote/index.ts';
import { commandFor, knownHosts } from './on-host-run.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { lastSeen, noteSeen } from './last-seen.ts';

/** What of a box's `status --json` is shown of many boxes. */
interface BoxStatus {
  readonly project: string;
  readonly session: string | null;
  readonly running: boolean;
  readonly attached: boolean;
  readonly windows: readonly { readonly name: string; readonly state: string; readonly health: string }[];
  readonly suites: Readonly<Record<string, { readonly verdict: string; readonly at: string }>>;
  readonly checkpoint: { readonly lastGood: string | null; readonly lastGoodAt: string | null };
  readonly nightly: { readonly outcome: string | null; readonly overdue: boolean } | null;
}

/** One row; `status` is the last one known, `at` when it was true (ISO 8601). */
interface HostFacts {
  readonly host: string;
  readonly ok: boolean;
  readonly at: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
  readonly status: BoxStatus | null;
}

/** A box that does not answer in this time is down, for this table. */
const limitMs = 5000;

/** `devenv status --host all`: every box of the project at the same time; those that are down as they were last seen. */
export async function statusOfHosts(ctx: CommandContext): Promise<CommandResult> {
  const { hosts, project } = await knownHosts(ctx);
  const names = Object.keys(hosts);
  if (names.length === 0)
    throw new DevenvError(
      'unknown-host',
      'no host is known',
      'devenv host add NAME user@box, or hosts in devenv.yaml',
    );
  const rows = await Promise.all(names.map((name) => lookAt(ctx, resolveTarget(name, hosts, project))));
  return { json: { hosts: rows }, text: render(ctx, rows) };
}

async function lookAt(ctx: CommandContext, target: Target): Promise<HostFacts> {
  try {
    const status = await ask(ctx, target);
    const seen = { at: new Date(ctx.clock.now()).toISOString(), status };
    noteSeen(ctx.env, target, seen);
    return { host: target.name, ok: true, error: null, ...seen };
  } catch (error) {
    if (!(error instanceof DevenvError) || error.code === 'interrupted') throw error;
    const { code, message, hint = '' } = error;
    return {
      host: target.name,
      ok: false,
      error: { code, message, hint },
      ...lastSeen<BoxStatus>(ctx.env, target),
    };
  }
}

async function ask(ctx: CommandContext, target: Target): Promise<BoxStatus> {
  const limit = AbortSignal.any([ctx.signal, AbortSignal.timeout(limitMs)]);
  const transport = await openTransport(target, {
    env: ctx.env,
    interactive: false,
    acceptNewHostKey: false,
    note: ctx.note,
    signal: limit,
  });
  try {
    const command = { ...commandFor(ctx, target, ['status', '--json']), endsWithLink: true };
    const script = { ...boxScript(command), timeoutMs: limitMs, signal: ctx.signal };
    const { code, stdout } = await transport.run(script);
    const text = stdout.toString('utf8');
    const need = readNeed(code, text);
    if (need === 'install')
      throw new DevenvError('version', 'devenv is not there', `devenv host bootstrap ${target.name}`);
    if (need === 'project')
      throw new DevenvError('no-repo', `no ${target.path} there`, `devenv host push ${target.name}`);
    return read(target, text);
  } catch (error) {
    if (limit.aborted && !ctx.signal.aborted)
      throw new DevenvError(
        'timeout',
        `no answer in ${limitMs / 1000} s`,
        'is it up, and the link fast enough?',
        error,
      );
    throw error;
  } finally {
    await transport.close();
  }
}

function read(target: Target, text: string): BoxStatus {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the same build
  const parsed = JSON.parse(text) as BoxStatus | { readonly error: { message: string; hint: string } };
  if (!('error' in parsed)) return parsed;
  throw new DevenvError(
    'failed',
    parsed.error.message,
    parsed.error.hint || `devenv status --host ${target.name}`,
  );
}

function render(ctx: CommandContext, rows: readonly HostFacts[]): string {
  const { dim, red } = ctx.colors;
  const header = ['host', 'session', 'services', 'tests', 'last good checkpoint', 'last night', ''].map(
    (cell) => dim(cell),
  );
  const table = formatTable([header, ...rows.map((row) => rowOf(ctx, row))]);
  const down = rows.flatMap(({ host, error }) =>
    error
      ? [
          `${red(`${host}: ${error.message.replace(`${host}: `, '')}`)}${error.hint ? dim(`; ${error.hint}`) : ''}`,
        ]
      : [],
  );
  return [table, ...(down.length > 0 ? ['', ...down] : [])].join('\n');
}

function nightOf(ctx: CommandContext, { nightly }: BoxStatus): string {
  const { green, red, dim } = ctx.colors;
  if (!nightly || (nightly.outcome === null && !nightly.overdue)) return dim('-');
  const outcome = nightly.outcome ?? 'none yet';
  if (nightly.overdue) return red(`${outcome}, overdue`);
  return (/^(passed|flaky|skipped)$/.test(outcome) ? green : red)(outcome);
}

function rowOf(ctx: CommandContext, { host, ok, at, status, error }: HostFacts): readonly string[] {
  const { green, red, yellow, dim } = ctx.colors;
  const age = (iso: string | null): string =>
    iso === null ? '' : formatAge(Math.max(0, ctx.clock.now() - Date.parse(iso)));
  // A box that answers and lacks something is not down.
  const what = error !== null && /^(version|no-repo|failed)$/.test(error.code) ? 'not ready' : 'down';
  const note = ok ? '' : at === null ? `${what}, never seen` : `${what}, as seen ${age(at)}`;
  const paint = ok ? (text: string) => text : dim;
  if (status === null) return [host, dim('-'), dim('-'), dim('-'), dim('-'), dim('-'), red(note)];
  const failed = status.windows.filter(({ state, health }) => state === 'failed' || health === 'unhealthy');
  const services = !status.running
    ? dim('-')
    : failed.length > 0
      ? red(failed.map(({ name, state }) => `${name} ${state}`).join(', '))
      : green('ok');
  const verdicts = Object.entries(status.suites).map(([name, { verdict }]) =>
    (verdict === 'passed' ? green : verdict === 'failed' ? red : yellow)(`${name} ${verdict}`),
  );
  const { lastGood, lastGoodAt } = status.checkpoint;
  return [
    host,
    paint(status.running ? `${status.session}${status.attached ? ', attached' : ''}` : 'not running'),
    services,
    verdicts.join(', ') || dim('-'),
    lastGood === null ? dim('none') : `${paint(lastGood)} ${dim(age(lastGoodAt))}`,
    nightOf(ctx, status),
    red(note),
  ];
}
