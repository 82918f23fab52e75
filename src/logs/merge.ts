/**
 * Merges batches of ordered things into one order. `before(a, b)` says that `a` comes first; of equal
 * ones the earlier source comes first (the later one, with `lastFirst`), and the order within a source stays.
 */
export async function* merge<T extends object>(
  sources: readonly AsyncGenerator<readonly T[]>[],
  before: (a: T, b: T) => boolean,
  lastFirst = false,
): AsyncGenerator<T> {
  const live: Cursor<T>[] = [];
  for (const source of lastFirst ? sources.toReversed() : sources) {
    const cursor: Cursor<T> = { source, batch: [], next: 0, head: undefined };
    if (await refill(cursor)) live.push(cursor);
  }
  for (;;) {
    let best: Cursor<T> | undefined;
    for (const cursor of live)
      if (cursor.head && (!best?.head || before(cursor.head, best.head))) best = cursor;
    if (!best?.head) return;
    yield best.head;
    best.head = best.batch[++best.next];
    if (!best.head && !(await refill(best))) live.splice(live.indexOf(best), 1);
  }
}

interface Cursor<T> {
  readonly source: AsyncGenerator<readonly T[]>;
  batch: readonly T[];
  next: number;
  head: T | undefined;
}

/** Takes the source's next batch that is not empty; false at its end. */
async function refill<T>(cursor: Cursor<T>): Promise<boolean> {
  do {
    const { done, value } = await cursor.source.next();
    if (done) return false;
    Object.assign(cursor, { batch: value, next: 0, head: value[0] });
  } while (cursor.head === undefined);
  return true;
}
