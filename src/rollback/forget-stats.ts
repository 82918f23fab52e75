import { displayPath, mustGit } from '../git/index.ts';
import type { IndexUpdate, RawPath, Repo } from '../git/index.ts';
import type { Step } from './plan.ts';

/** As many paths fit into one command line, however long they are. */
const atOnce = 400;

/**
 * The index entries of files that are written, given anew as they are. git takes a file whose size is not the noted
 * one for changed without looking into it, and where line ends or filters convert, the size says nothing: `git status`
 * would name files that do not differ, and `git switch` refuse. Without a noted size git looks.
 */
export async function forgetStats(
  repo: Repo,
  steps: readonly Step[],
  index: readonly IndexUpdate[],
): Promise<readonly IndexUpdate[]> {
  const given = new Set(index.map((update) => update.path));
  const paths = steps
    .filter(({ path, after }) => after?.mode.startsWith('100') === true && !given.has(path))
    .map((step) => step.path);
  const found: IndexUpdate[] = [];
  for (let n = 0; n < paths.length; n += atOnce)
    found.push(...(await entriesOf(repo, paths.slice(n, n + atOnce))));
  return found;
}

async function entriesOf(repo: Repo, paths: readonly RawPath[]): Promise<readonly IndexUpdate[]> {
  const args = ['--literal-pathspecs', 'ls-files', '-s', '-z', '--', ...paths.map(displayPath)];
  const out = await mustGit(repo, 'reading what is staged', args);
  return out
    .toString('latin1')
    .split('\0')
    .flatMap((line) => {
      const [, mode = '', oid = '', path = ''] = /^(100\d+) (\S+) 0\t(.*)$/s.exec(line) ?? [];
      // What is only announced has no content that could be compared.
      return path === '' || /^(e69de29bb2d1|473a0f4c3be8)/.test(oid) ? [] : [{ path, mode, oid }];
    });
}
