type Git = (...args: string[]) => Promise<string>;

/**
 * A file that was announced (`git add -N`) and is gone again: `git status` shows it as a deleted file of HEAD, which
 * it is not, and a snapshot, which is made from that, cannot tell the two apart. It is no content; it is taken back.
 */
export async function forgetAnnounced(git: Git): Promise<void> {
  const listed = async (...args: string[]): Promise<readonly string[]> =>
    (await git(...args)).split('\0').filter(Boolean);
  const gone = await listed('diff', '--name-only', '-z', '--diff-filter=D');
  const staged = new Set(await listed('diff', '--cached', '--name-only', '-z', '--diff-filter=d'));
  const dropped = new Set(await listed('diff', '--cached', '--name-only', '-z', '--diff-filter=D'));
  const known = new Set(await listed('ls-tree', '-r', '-z', '--name-only', 'HEAD'));
  for (const name of gone)
    if (dropped.has(name) || (!staged.has(name) && !known.has(name)))
      await git('update-index', '--force-remove', '--', name);
}

/** Of a file that is only announced the index holds no content, and a kind that may be out of date: it is no state. */
export const withoutKind = (listed: string): string =>
  listed.replaceAll(/\d{6} (?=e69de29bb2d1d6434b8b29ae775ad8c2e48c5391 )/g, 'any ');
