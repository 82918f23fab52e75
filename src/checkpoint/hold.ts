import { mayConvert, type RawPath, type Repo } from '../git/index.ts';
import { capture } from './capture.ts';
import { allRaw } from './saved-state.ts';
import { keepCapture, toSnapshot } from './snapshot.ts';
import type { Entry, Snapshot } from './types.ts';

/** A file that tells git how to convert others: new or changed ones are in force as well. */
export const isAttributes = (file: Pick<Entry, 'path'>): boolean => /(^|\/)\.gitattributes$/.test(file.path);

/**
 * Saves the work tree as it is now under a ref of the caller's, for putting it in place somewhere else. Nothing that
 * the user can see changes.
 */
export async function holdState(
  repo: Repo,
  input: {
    readonly ref: string;
    readonly subject: string;
    readonly reason: string;
    /** Milliseconds since 1970. */
    readonly now: number;
    readonly maxFileBytes: number;
    /** Clean files that are known to be what git holds, byte for byte. */
    readonly raw: readonly RawPath[];
  },
): Promise<Snapshot> {
  const [captured, converts] = await Promise.all([capture(repo, input), mayConvert(repo)]);
  const found = { ...captured, raw: [...captured.raw, ...input.raw] };
  const written = await keepCapture(repo, found, {
    ...input,
    more: converts || found.files.some(isAttributes) ? {} : { Raw: allRaw },
    options: input,
  });
  return toSnapshot(found, written);
}
