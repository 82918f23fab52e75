/** Starts it again only when it is done: a key that is held down is one wish. undefined: it is still at it. */
export function oneAtATime<T>(action: () => Promise<T>): () => Promise<T> | undefined {
  let busy = false;
  return () => {
    if (busy) return undefined;
    busy = true;
    return action().finally(() => (busy = false));
  };
}
