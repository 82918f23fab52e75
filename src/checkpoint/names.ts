/** Where checkpoints are kept; the tag of the same name is for people. */
export const checkpointRefs = 'refs/devenv/checkpoints/';
export const undoRefs = 'refs/devenv/undo/';
export const testedRefs = 'refs/devenv/tested/';
/** What was only looked at (a dry run, a diff with now). */
export const lookedRefs = 'refs/devenv/looked/';
/** The present, saved for a rollback; from then on also an undo entry, unless nothing came of it. */
export const presentRefs = 'refs/devenv/present/';
/** `refs/devenv/pins/<name>` points where the checkpoint of that name does: it is never dropped. */
export const pinRefs = 'refs/devenv/pins/';
/** `refs/devenv/trash/<seconds>/checkpoints/<name>` (or `undo/<n>`): dropped then, gone for good a week later. */
export const trashRefs = 'refs/devenv/trash/';
export const tagRefs = 'refs/tags/';

/** `checkpoint-20261120-192023` for a moment (milliseconds since 1970), UTC. */
export function stampOf(now: number): string {
  const iso = new Date(now).toISOString();
  return `checkpoint-${iso.slice(0, 10).replaceAll('-', '')}-${iso.slice(11, 19).replaceAll(':', '')}`;
}

/** Of a name without a suffix. */
export const stampLength = 'checkpoint-20261120-192023'.length;

/** Orders names by time: `...-2` comes after the name without a suffix, `-10` after `-9`. */
export function compareNames(a: string, b: string): number {
  // Names without a suffix, so nearly all of a long list, are ordered as texts.
  if (a.length === stampLength && b.length === stampLength) return a === b ? 0 : a < b ? -1 : 1;
  const [stampA, nA] = split(a);
  const [stampB, nB] = split(b);
  return stampA === stampB ? nA - nB : stampA < stampB ? -1 : 1;
}

function split(name: string): [string, number] {
  const match = /^(checkpoint-\d{8}-\d{6})(?:-(\d+))?$/.exec(name);
  return match ? [match[1] ?? '', Number(match[2] ?? 1)] : [name, 1];
}

/** The name for a checkpoint made now: later than every other one, also when the clock went back. */
export function nextName(now: number, newest: string | undefined, taken: (name: string) => boolean): string {
  const stamp = stampOf(now);
  const [last, count] = newest === undefined ? ['', 0] : split(newest);
  const base = stamp > last ? stamp : last;
  for (let n = base === last ? count + 1 : 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken(name)) return name;
  }
}
