import { DevenvError } from '../base/index.ts';

/** What is to be said when the waiting is given up. */
export interface GivenUp {
  readonly message: string;
  readonly hint: string;
}

/** What is left when the waiting for services to end was given up in the middle of a restart. */
export const notStartedAgain: GivenUp = {
  message: 'interrupted: what was told to end may still end and is not started again',
  hint: 'devenv status shows what runs; devenv restart goes on',
};

/**
 * Waits for work that nothing can take back (a service that ends in its own time) and hears Ctrl-C meanwhile: the
 * waiting ends, not what was already begun. Throws 'interrupted'.
 */
export function unlessInterrupted<T>(
  signal: AbortSignal,
  begin: () => Promise<T>,
  { message, hint }: GivenUp,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new DevenvError('interrupted', message, hint));
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    begin()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', giveUp));
  });
}
