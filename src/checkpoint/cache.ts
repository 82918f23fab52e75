import path from 'node:path';
import { readShortcut, shortHash, stateDir, writeShortcut } from '../base/index.ts';
import type { Repo } from '../git/index.ts';
import type { Checkpoint } from './types.ts';

/** What was written last, so that an unchanged work tree needs no second process. Losing it costs only time. */
export interface LastWritten {
  readonly key: string;
  readonly tree: string;
  readonly commit: string;
  readonly staged: string;
  /** The ref that keeps `commit`. */
  readonly ref: string;
  /** When it is the newest checkpoint. */
  readonly checkpoint?: Checkpoint;
  /** The paths of it that differ from `head`, with what they hold, when they are few. */
  readonly head: string | null;
  readonly changes?: Readonly<Record<string, string>>;
}

type LastKind = 'checkpoint' | 'test' | 'look';

function cacheFile(repo: Repo, kind: LastKind): string {
  return path.join(stateDir(repo.env), 'checkpoints', `${shortHash(repo.gitDir)}.${kind}.v4.json`);
}

export function readLast(repo: Repo, kind: LastKind): LastWritten | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file; the version in its name changes with its shape
  return readShortcut(cacheFile(repo, kind)) as LastWritten | undefined;
}

export function saveLast(repo: Repo, kind: LastKind, last: LastWritten): void {
  writeShortcut(cacheFile(repo, kind), last);
}
