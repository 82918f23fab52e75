import { formatTable } from '../base/index.ts';
import { loadProject, type Project } from '../config/index.ts';
import { findFreePort, holdersOf, isPortFree, type PortHolder } from '../ports/index.ts';
import type { CommandContext, CommandResult } from './context.ts';
import { withPorts } from './start.ts';

/** One service's port, as `--json` shows it. */
interface PortRow {
  readonly service: string;
  readonly port: number;
  readonly state: 'free' | 'ours' | 'taken';
  /** Null: nobody listens there, or it is another user's process. */
  readonly holder: {
    readonly pid: number;
    readonly command: string;
    readonly window: string | null;
    readonly session: string | null;
  } | null;
  /** With `--free`: the next free one, for a port that somebody else holds. */
  readonly free?: number | null;
}

/** `devenv ports`: each service's port and who holds it. */
export async function ports(ctx: CommandContext, input: { readonly free?: boolean }): Promise<CommandResult> {
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const numbers = await portsOf(ctx, project);
  const holders = await holdersOf(numbers.map(({ port }) => port));
  const used = new Set(numbers.map(({ port }) => port));
  const rows: PortRow[] = [];
  for (const { service, port } of numbers) {
    const row = describe(project, service, { port, holder: holders.get(port), free: await isPortFree(port) });
    if (!input.free || row.state !== 'taken') {
      rows.push(row);
      continue;
    }
    // Proposals must differ from each other too.
    const free = await findFreePort(port + 1, used);
    if (free !== undefined) used.add(free);
    rows.push({ ...row, free: free ?? null });
  }
  return { json: { ports: rows }, text: render(ctx, rows) };
}

async function portsOf(
  ctx: CommandContext,
  project: Project,
): Promise<readonly { readonly service: string; readonly port: number }[]> {
  const { config } = await withPorts(ctx, project);
  return config.windows.flatMap(({ name, port }) =>
    typeof port === 'number' ? [{ service: name, port }] : [],
  );
}

interface Seen {
  readonly port: number;
  readonly holder: PortHolder | undefined;
  readonly free: boolean;
}

function describe(project: Project, service: string, { port, holder, free }: Seen): PortRow {
  const ours = holder?.root === project.root;
  return {
    service,
    port,
    state: free && !holder ? 'free' : ours ? 'ours' : 'taken',
    holder: holder
      ? {
          pid: holder.pid,
          command: holder.command,
          window: ours ? (holder.window ?? null) : null,
          session: holder.session ?? null,
        }
      : null,
  };
}

function render({ colors }: CommandContext, rows: readonly PortRow[]): string {
  if (rows.length === 0) return 'no window has a port';
  return formatTable(
    rows.map(({ service, port, state, holder, free }) => {
      const who = holder ? `pid ${holder.pid}: ${holder.command}` : 'a process that cannot be seen from here';
      const where = holder?.window ?? (holder?.session ? `session ${holder.session}` : undefined);
      const by = `${who}${where ? ` (${where})` : ''}`;
      const instead = free === undefined ? '' : free === null ? '; no port is free' : `; free: ${free}`;
      if (state === 'free') return [service, String(port), colors.dim('free'), ''];
      if (state === 'ours') return [service, String(port), colors.green('in use'), by];
      return [service, String(port), colors.red('taken'), `${by}${instead}`];
    }),
  );
}
