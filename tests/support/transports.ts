import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  openTransport,
  resolveTarget,
  type Transport,
  type TransportDeps,
  type TransportKind,
} from '../../src/remote/index.ts';
import { makeBox, type Box, type BoxOptions } from './box.ts';
import { tempDir } from './temp.ts';

/** Boxes and connections of one test file; what is made here is ended with it. */
export interface Transports {
  /** A box on a port, behind a proxy that can break. */
  readonly newBox: (options?: BoxOptions) => Promise<Box>;
  readonly open: (
    box: Box,
    kind: TransportKind,
    deps?: Partial<TransportDeps> & { readonly forwardAgent?: boolean },
    ssh?: string,
  ) => Promise<Transport>;
  /** To be called after each test. */
  readonly close: () => Promise<void>;
  /** To be called after all of them. */
  readonly end: () => Promise<void>;
}

export function createTransports(): Transports {
  const opened: Transport[] = [];
  const boxes: Box[] = [];
  return {
    newBox: async (options = {}) => {
      const box = await makeBox({ port: true, ...options });
      boxes.push(box);
      return box;
    },
    open: async (box, kind, deps = {}, ssh = box.host) => {
      const host = {
        ssh,
        path: undefined,
        transport: kind,
        keepaliveMs: 1000,
        forwardAgent: deps.forwardAgent ?? false,
      };
      const transport = await openTransport(resolveTarget(ssh, { [ssh]: host }, 'shop'), {
        env: box.env,
        interactive: false,
        acceptNewHostKey: false,
        note: () => {},
        ...deps,
      });
      opened.push(transport);
      return transport;
    },
    close: async () => {
      for (const transport of opened.splice(0)) await transport.close({ forget: true });
    },
    end: async () => {
      for (const box of boxes.splice(0)) await box.end();
    },
  };
}

/** The environment of the machine at home with another ssh configuration. */
export function configured(box: Box, lines: readonly string[]): NodeJS.ProcessEnv {
  const file = path.join(tempDir('client'), 'config');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { ...box.env, DEVENV_SSH_CONFIG: file };
}

/** How often somebody was let in, by the server's own log. */
export const logins = (box: Box): number => box.log().match(/Accepted publickey/g)?.length ?? 0;
