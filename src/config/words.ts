/** The closed sets of words in a configuration; the schema and the reader share them. */
export const choices = {
  kind: ['service', 'task', 'tool'],
  split: ['even-horizontal', 'even-vertical', 'main-horizontal', 'main-vertical', 'tiled'],
  policy: ['no', 'on-failure', 'always'],
  signal: ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGKILL'],
  affected: ['auto', 'off'],
  on: ['change', 'demand'],
  nightlyOnFailure: ['reset', 'keep'],
  onFailure: ['auto', 'ask', 'reset', 'keep'],
  verifyIn: ['place', 'worktree'],
  tags: ['all', 'good', 'none'],
} as const;

/** What windows, suites and gates may be called. */
export const namePattern = /^[A-Za-z0-9_-]+$/;
