import { allotPort } from './free.ts';
import { holderOf } from './holder.ts';

/** The key under which the store remembers a project's allotted ports: `{ window: number }`. */
export const portsKey = 'ports';

/** The remembered ports as the store gave them back; what is no port is left out. */
export function readPorts(value: unknown): Readonly<Record<string, number>> {
  if (typeof value !== 'object' || value === null) return {};
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value);
  return Object.fromEntries(
    entries.flatMap(([window, port]) =>
      typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536
        ? [[window, port] as const]
        : [],
    ),
  );
}

/**
 * Numbers for all windows of a project whose port is `auto`. A port that the project's own session
 * holds stays. A window is left out only when no port of the machine is free.
 */
export async function allotPorts(
  project: { readonly id: string; readonly root: string },
  windows: readonly { readonly name: string; readonly port: number | 'auto' | undefined }[],
  remembered: Readonly<Record<string, number>>,
): Promise<Readonly<Record<string, number>>> {
  const taken = new Set(windows.flatMap(({ port }) => (typeof port === 'number' ? [port] : [])));
  const ports: Record<string, number> = {};
  // One after the other: each must not get what the one before was given.
  for (const { name } of windows.filter(({ port }) => port === 'auto')) {
    const port = await allotPort({
      projectId: project.id,
      window: name,
      remembered: remembered[name],
      taken,
      isOurs: async (candidate) => {
        const holder = await holderOf(candidate);
        return holder?.root === project.root && holder.window === name;
      },
    });
    if (port === undefined) continue;
    taken.add(port);
    ports[name] = port;
  }
  return ports;
}
