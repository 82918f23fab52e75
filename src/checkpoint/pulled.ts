import { compareNames, decodeHost } from './names.ts';

/** `box/checkpoint-...` or `box/present` for the ref of what was brought from a box; undefined for any other. */
export function pulledName(ref: string): string | undefined {
  const [, host, name] = /^refs\/devenv\/hosts\/([^/]+)\/(checkpoint-[^/]+|present)$/.exec(ref) ?? [];
  return host === undefined ? undefined : `${decodeHost(host)}/${name}`;
}

const ofGit = /^(refs|tags|devenv|undo|heads)(\/|$)/;

/** The two parts of `HOST/NAME`; without a host it is a name of here, or one that git knows. Pure. */
export function splitPulled(name: string): { readonly host: string | undefined; readonly rest: string } {
  const slash = name.lastIndexOf('/');
  if (slash < 1 || ofGit.test(name)) return { host: undefined, rest: name };
  return { host: name.slice(0, slash), rest: name.slice(slash + 1) };
}

/** Whether a checkpoint's name says that it was brought from a box. */
export const isPulled = (tag: string): boolean => splitPulled(tag).host !== undefined;

/** As `compareNames`; a box's present comes after all its checkpoints. */
export function comparePulled(a: string, b: string): number {
  const [one, other] = [splitPulled(a).rest, splitPulled(b).rest];
  if (one === 'present' || other === 'present')
    return Number(one === 'present') - Number(other === 'present');
  return compareNames(one, other);
}
