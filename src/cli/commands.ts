import { checkpointCommands } from './rows-checkpoints.ts';
import { projectCommands } from './rows-project.ts';
import { remoteCommands } from './rows-remote.ts';
import { sessionCommands } from './rows-session.ts';
import { testCommands } from './rows-tests.ts';
import type { CommandSpec } from './table.ts';

/** Every command, in the order `--help` lists them. */
export const commandTable: readonly CommandSpec[] = [
  ...sessionCommands,
  ...testCommands,
  ...checkpointCommands,
  ...projectCommands,
  ...remoteCommands,
];
