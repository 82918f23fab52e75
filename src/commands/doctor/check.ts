import { DevenvError, messageOf } from '../../base/index.ts';
import type { Project } from '../../config/index.ts';
import type { Repo } from '../../git/index.ts';
import type { CommandContext } from '../context.ts';

/** What one look found. `error`: something devenv promises does not work; `warning`: it works worse; `info`: good to know. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly level: 'error' | 'warning' | 'info';
  readonly message: string;
  /** What to do; empty when there is nothing to do. */
  readonly remedy: string;
}

/** What the checks look at. */
export interface Examined {
  readonly ctx: CommandContext;
  readonly root: string;
  /** Mend what can be mended without losing anything. */
  readonly fix: boolean;
  /** undefined where there is none that git can open; the check `repository` says why. */
  readonly repo: Repo | undefined;
  /** The project, or the error that its configuration gave. */
  readonly project: Project | DevenvError;
}

/** One look at the world. It throws only by mistake: then it is reported as a finding too. */
export type Check = (examined: Examined) => Promise<Finding | readonly Finding[]>;

export function fine(name: string, message: string): Finding {
  return { name, ok: true, level: 'info', message, remedy: '' };
}

export function problem(
  level: 'error' | 'warning',
  name: string,
  found: { readonly message: string; readonly remedy: string },
): Finding {
  return { name, ok: false, level, ...found };
}

/** An error as a finding: its message and its hint. */
export function fromError(level: 'error' | 'warning', name: string, error: unknown): Finding {
  const remedy = error instanceof DevenvError ? (error.hint ?? '') : '';
  return problem(level, name, { message: messageOf(error), remedy });
}
