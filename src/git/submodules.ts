import { shellQuote } from '../base/index.ts';
import { displayPath } from './names.ts';
import type { DiffEntry } from './objects.ts';

/** The mode of a submodule in a tree. */
export const submoduleMode = '160000';

/** Whether a path is a submodule on one of the two sides. Pure. */
export const isSubmodule = ({ oldMode, newMode }: Pick<DiffEntry, 'oldMode' | 'newMode'>): boolean =>
  oldMode === submoduleMode || newMode === submoduleMode;

/** The command that moves a submodule to where the new side has it; undefined where it comes or goes. Pure. */
export function submoduleMove({ path, oldMode, newMode, newOid }: DiffEntry): string | undefined {
  if (oldMode !== submoduleMode || newMode !== submoduleMode) return undefined;
  return `git -C ${shellQuote(displayPath(path))} checkout ${newOid.slice(0, 12)}`;
}
