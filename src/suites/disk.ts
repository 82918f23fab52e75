import { tmpdir } from 'node:os';
import { roomAt } from '../base/index.ts';

/** Begins the reason of a run that no conclusion is drawn from, since the disk was full. */
export const diskFull = 'the disk is full';

/** With less than this nothing that is red means anything. */
const nothingLeft = 1024 * 1024;
/** Where the output complains of it, as much may be left by now, since files were removed at the end. */
const littleLeft = 0.05;
const complaint = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i;

/**
 * Why a run that failed says nothing: it had no room to write. Asked after it ended, of the file systems that it
 * most likely writes to; what it says of that in its output counts only where they are (nearly) full.
 */
export function whyNoRoom(
  places: readonly string[],
  output: string,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const complains = complaint.test(output);
  for (const place of [...places, env['TMPDIR'] || tmpdir()]) {
    const { freeBytes, share } = roomAt(place);
    if (freeBytes < nothingLeft || (complains && share < littleLeft)) return `${diskFull} (${place})`;
  }
  return undefined;
}
