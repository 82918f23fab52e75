import type { OwnSession, SessionDeps } from './types.ts';

/** A terminal that looks at a session. */
export interface Client {
  /** When a key was pressed there last, in seconds since 1970. */
  readonly activity: number;
  readonly name: string;
  readonly pid: string;
  readonly width: number;
  readonly height: number;
}

/** The session's clients, the one used last first. */
export const clients = (deps: SessionDeps, session: OwnSession): Promise<readonly Client[]> =>
  clientsOf(deps, session.id);

/** Those of what a target names. */
export async function clientsOf(deps: SessionDeps, target: string): Promise<readonly Client[]> {
  const fields = '#{client_activity} #{client_pid} #{client_width} #{client_height} #{client_name}';
  const result = await deps.tmux.run(['list-clients', '-t', target, '-F', fields]);
  return result.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [activity = '', pid = '', width = '', height = '', ...name] = line.split(' ');
      return {
        activity: Number(activity),
        pid,
        width: Number(width),
        height: Number(height),
        name: name.join(' '),
      };
    })
    .toSorted((a, b) => b.activity - a.activity);
}
