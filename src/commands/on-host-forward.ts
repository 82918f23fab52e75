import { DevenvError } from '../base/index.ts';
import { boxScript, type Connected, type Forward } from '../remote/index.ts';
import type { CommandContext } from './context.ts';
import { commandFor } from './on-host-run.ts';

/** Ports of the box's services that can be reached here. */
export interface Forwards {
  /** Makes them again over a new connection. */
  readonly again: () => Promise<Forwards>;
  readonly close: () => Promise<void>;
}

interface Service extends Forward {
  readonly name: string;
}

/** Brings the ports of the running services here, each under its own number where that is free, and says where. */
export async function openForwards(ctx: CommandContext, to: Connected): Promise<Forwards> {
  const services = await findServices(ctx, to);
  if (services.length === 0) ctx.note(`${to.target.name}: no service with a port runs there`);
  for (const { name, localPort } of services) ctx.note(`${name}: http://localhost:${localPort}`);
  return forwardAll(to, services);
}

async function forwardAll(to: Connected, services: readonly Service[]): Promise<Forwards> {
  const opened = await Promise.all(services.map((service) => to.transport.forward(service)));
  return {
    again: () => forwardAll(to, services),
    close: async () => {
      await Promise.all(opened.map(({ cancel }) => cancel()));
    },
  };
}

async function findServices(
  ctx: CommandContext,
  { target, transport }: Connected,
): Promise<readonly Service[]> {
  const command = { ...commandFor(ctx, target, ['status', '--json']), endsWithLink: true };
  const { code, stdout } = await transport.run({ ...boxScript(command), repeatable: true });
  const wanted = code === 0 ? readPorts(stdout.toString()) : [];
  const { findFreePort } = await import('../ports/index.ts');
  const taken = new Set<number>();
  const services: Service[] = [];
  for (const { name, port } of wanted) {
    const localPort = await findFreePort(port, taken);
    if (localPort === undefined)
      throw new DevenvError('port-taken', `no free port here for ${name}`, 'end something that listens');
    taken.add(localPort);
    services.push({ name, remotePort: port, localPort });
  }
  return services;
}

function readPorts(json: string): readonly { readonly name: string; readonly port: number }[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the same build
  const { windows } = JSON.parse(json) as {
    readonly windows: readonly {
      readonly name: string;
      readonly port: number | null;
      readonly id: string | null;
    }[];
  };
  return windows.flatMap(({ name, port, id }) => (port === null || id === null ? [] : [{ name, port }]));
}
