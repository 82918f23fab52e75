import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, libcHere, packageRoot, self } from '../base/index.ts';
import {
  bootstrap,
  type BootstrapDeps,
  type Installed,
  type Target,
  type Transport,
} from '../remote/index.ts';
import type { CommandContext } from './context.ts';

/** Version and hash of this build; a box runs exactly the same. */
export function buildId(): string {
  try {
    return readFileSync(path.join(packageRoot(), 'dist/build-id'), 'utf8').trim();
  } catch (error) {
    throw new DevenvError('environment', 'this devenv is not built', 'npm run build', error);
  }
}

/** This build and this machine, as a box must know them. */
export function buildHere(): BootstrapDeps['build'] {
  return {
    id: buildId(),
    node: { version: self.nodeVersion, path: self.execPath, bytes: statSync(self.execPath).size },
    os: self.platform,
    arch: self.arch,
    libc: libcHere(),
  };
}

/** Installs this build on a box, and tells what devenv will need there besides. */
export async function bringDevenv(
  ctx: CommandContext,
  transport: Transport,
  target: Target,
  force = false,
): Promise<Installed> {
  const { env, clock, signal, note } = ctx;
  const deps = { env, clock, signal, note, build: buildHere(), force };
  const installed = await bootstrap(transport, target, deps).catch((error: unknown) => {
    if (!(error instanceof DevenvError) || error.code !== 'lost') throw error;
    throw new DevenvError(
      'lost',
      `${target.name}: the connection was lost while devenv was brought there`,
      'run it again: an install is there whole or not at all',
      error,
    );
  });
  for (const line of installed.advice) note(line);
  return installed;
}
