import { DevenvError, installLineHere } from '../base/index.ts';

/**
 * The environment for every git process: no GIT_* of a hook, an IDE or a container around us, no
 * translated messages, no lock taken only to refresh the index, no question asked of anybody.
 */
export function gitEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
  return {
    ...clean,
    LC_ALL: 'C',
    LANGUAGE: '',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_EDITOR: 'false',
    GIT_PAGER: 'cat',
  };
}

/**
 * The environment for a git that works for a person at a terminal: their language, pager, editor and
 * identity; still nothing that moves it to another repository.
 */
export function userEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const theirs =
    /^GIT_(PAGER|PAGER_IN_USE|EDITOR|EXTERNAL_DIFF|DIFF_OPTS|SSH|SSH_COMMAND|ASKPASS|(AUTHOR|COMMITTER)_(NAME|EMAIL))$/;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || theirs.test(name)),
  );
}

/** The error for a machine without git. */
export function missingGit(): DevenvError {
  return new DevenvError(
    'no-git',
    'git is not installed',
    `install it: ${installLineHere(['git']) ?? 'git, with the package manager of this system'}`,
  );
}
