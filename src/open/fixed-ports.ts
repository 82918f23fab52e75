import type { WindowConfig } from '../config/index.ts';

/**
 * Windows of an opened checkpoint whose command names a port of the live project as a plain number, so that
 * both would want it. `${port.x}` and `localhost:8080` are replaced by then. Pure.
 */
export function fixedPorts(
  live: readonly Pick<WindowConfig, 'port'>[],
  opened: readonly Pick<WindowConfig, 'name' | 'panes'>[],
): readonly { readonly window: string; readonly port: number }[] {
  const ports = live.flatMap(({ port }) => (typeof port === 'number' ? [port] : []));
  return opened.flatMap(({ name, panes }) =>
    ports
      .filter((port) =>
        panes.some(({ command = '' }) => new RegExp(String.raw`(?<![\w.])${port}(?![\w.])`).test(command)),
      )
      .map((port) => ({ window: name, port })),
  );
}
