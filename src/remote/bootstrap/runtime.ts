import { createReadStream, createWriteStream, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { cacheDir, DevenvError, makeDir, randomId, run } from '../../base/index.ts';
import type { NodeSource } from './plan.ts';

/** What a runtime is fetched with. */
export interface RuntimeDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/**
 * Level 4: on a 126 MB node it takes 7 s for 46.0 MB, level 6 takes 18 s for 44.6 MB. Done once a version.
 */
const level = 4;
const npmTimeoutMs = 600_000;

/** The file of the node to send, packed; undefined when the box has one. Made or fetched once, then kept in the cache. */
export async function packRuntime(source: NodeSource, deps: RuntimeDeps): Promise<string | undefined> {
  if (source.kind === 'there') return undefined;
  const dir = path.join(cacheDir(deps.env), 'runtimes');
  const file = path.join(dir, `${source.name}.gz`);
  if (!existsSync(file)) {
    makeDir(dir);
    if (source.kind === 'own') await pack(source.file, file, deps.signal);
    else await fetchByNpm(source, file, deps);
  }
  return file;
}

async function pack(from: string, file: string, signal: AbortSignal): Promise<void> {
  const temporary = `${file}.${randomId()}`;
  try {
    const to = createWriteStream(temporary, { mode: 0o600 });
    await pipeline(createReadStream(from), createGzip({ level }), to, { signal });
    renameSync(temporary, file);
  } catch (error) {
    if (signal.aborted) throw new DevenvError('interrupted', 'interrupted', undefined, error);
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** npm checks what it fetches, and knows of the user's registry and proxy. */
async function fetchByNpm(
  source: Extract<NodeSource, { kind: 'npm' }>,
  file: string,
  deps: RuntimeDeps,
): Promise<void> {
  const wanted = `${source.packageName}@${source.version}`;
  deps.note(`fetching ${wanted} with npm, once`);
  const dir = mkdtempSync(`${file}.`);
  const options = { cwd: dir, env: deps.env, signal: deps.signal, timeoutMs: npmTimeoutMs };
  try {
    const packed = await run(['npm', 'pack', wanted, '--loglevel=error'], options);
    if (packed.reason === 'stopped') throw new DevenvError('interrupted', 'interrupted');
    const archive = packed.stdout.trim().split('\n').at(-1) ?? '';
    if (!packed.ok || archive === '') throw notFetched(wanted, packed.reason ?? packed.stderr);
    const unpacked = await run(['tar', '-xzf', archive, 'package/bin/node'], options);
    if (!unpacked.ok) throw notFetched(wanted, unpacked.stderr);
    await pack(path.join(dir, 'package/bin/node'), file, deps.signal);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function notFetched(wanted: string, why: string): DevenvError {
  const said = why.split('\n').map((text) => text.replace(/^npm (?:error|ERR!) ?/, '').trim());
  const line = said.find((text) => text !== '' && !/^(code|errno|syscall|type) /.test(text));
  return new DevenvError(
    'environment',
    `npm could not fetch ${wanted}, the Node for the box${line ? `: ${line}` : ''}`,
    'is npm installed here, and the registry reachable? Else install Node 22.22 or newer on the box',
  );
}
