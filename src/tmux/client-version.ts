import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheDir, makeDir, randomId } from '../base/index.ts';
import { explain, type Tmux } from './client.ts';

/**
 * What `tmux -V` says of the installed tmux. Remembered for as long as the program file is the same, because
 * asking costs a tenth of building a session. Throws `no-tmux`.
 */
export async function clientVersion(tmux: Tmux): Promise<string> {
  const stamp = programStamp(tmux.env);
  const file = path.join(cacheDir(tmux.env), 'tmux-version');
  const [known, version] = readWhole(file)?.split('\n') ?? [];
  if (stamp !== undefined && known === stamp && version) return version;
  const said = await tmux.run(['-V']);
  if (!said.ok) throw explain(said, 'telling its version');
  if (stamp !== undefined) remember(file, `${stamp}\n${said.stdout.trim()}\n`);
  return said.stdout.trim();
}

/** Tells one installed program from another: its path, size and time of change. */
function programStamp(env: NodeJS.ProcessEnv): string | undefined {
  for (const dir of (env['PATH'] ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(dir)) continue;
    const file = path.join(dir, 'tmux');
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isFile()) return JSON.stringify([file, found.ino, found.size, found.mtimeMs, found.ctimeMs]);
  }
  return undefined;
}

function readWhole(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // not asked before, or no cache here
  }
}

function remember(file: string, text: string): void {
  const fresh = `${file}.${randomId()}`;
  try {
    makeDir(path.dirname(file));
    writeFileSync(fresh, text, { mode: 0o600 });
    renameSync(fresh, file);
  } catch {
    // Where nothing can be kept it is asked again.
  }
}
