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

/** `refs/devenv/hosts/<host>/<name>`: what was brought from a remote box; `present` is its work tree, `heads/` its branches. */
export const hostRefs = 'refs/devenv/hosts/';
/** `refs/devenv/pushed/<host>`: the work tree as it was sent to a remote box the last time. */
export const pushedRefs = 'refs/devenv/pushed/';
/** On a remote box, `<work tree>/last`: what was sent there; `next` while it is put in place, `previous` the one before. */
export const receivedRefs = 'refs/devenv/received/';

/** A host's name as one part of a ref: what git does not allow there is written as `%XX`. */
export function encodeHost(host: string): string {
  const hex = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  return host.replaceAll(/[^\w@.-]/gu, hex).replaceAll(/^\.|\.(?=\.|lock$|$)/g, '%2E');
}

/** The host that a part of a ref names. */
export function decodeHost(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // not written by us
  }
}
