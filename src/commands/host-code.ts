import path from 'node:path';
import { DevenvError } from '../base/index.ts';
import { loadProject, type Project } from '../config/index.ts';
import { openRepo, type Repo } from '../git/index.ts';
import type { BoxLine, PlaceOnBox } from '../remote/code/index.ts';
import { readUserHosts, type Target } from '../remote/index.ts';
import type { CommandContext, Progress } from './context.ts';
import { bringDevenv, buildId } from './bring-devenv.ts';
import { connect, findTarget } from './on-host-run.ts';

/** A repository here, and its place on a box that can be called. */
export interface HostCode {
  readonly repo: Repo;
  readonly project: Project;
  readonly place: PlaceOnBox;
  readonly line: BoxLine;
}

/** Opens the way from this project to its place on a box; closed again when `use` is done. */
export async function withHostCode<T>(
  ctx: CommandContext,
  host: string | undefined,
  use: (code: HostCode) => Promise<T>,
): Promise<T> {
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const target = await findTarget(ctx, host ?? onlyHost(ctx, project));
  const repo = await openRepo({ cwd: project.root, env: ctx.env });
  const place = placeOnBox(target, path.relative(repo.root, project.root));
  const transport = await connect(ctx, target);
  const line: BoxLine = {
    target,
    transport,
    build: buildId(),
    clock: ctx.clock,
    signal: ctx.signal,
    note: ctx.note,
    install: async () => {
      await bringDevenv(ctx, transport, target);
    },
    ...(ctx.verbose ? { onStderr: ctx.writeError } : {}),
  };
  try {
    return await use({ repo, project, place, line });
  } finally {
    await transport.close();
  }
}

function onlyHost(ctx: CommandContext, project: Project): string {
  const names = Object.keys({ ...readUserHosts(ctx.env), ...project.config.hosts });
  const [first, ...others] = names;
  if (first !== undefined && others.length === 0) return first;
  throw new DevenvError(
    'usage',
    'which host?',
    names.length === 0
      ? 'devenv host add NAME user@box notes one; hosts in devenv.yaml does so for the project'
      : `one of ${names.join(', ')}`,
  );
}

/** The repository goes where the project's folder then lies at the path of the host. */
function placeOnBox({ name, path: there }: Target, inside: string): PlaceOnBox {
  const parts = inside.split(path.sep).join('/');
  if (parts === '') return { dir: there, inside: '' };
  const whole = there.replace(/\/+$/, '');
  if (whole.endsWith(`/${parts}`)) return { dir: whole.slice(0, -parts.length - 1) || '/', inside: parts };
  throw new DevenvError(
    'config',
    `the project is the folder ${parts} of its repository, and the whole repository is sent: hosts.${name}.path (${there}) must end in ${parts}`,
    `for example path: ~/${path.basename(whole)}/${parts}`,
  );
}

const quietMs = 700;

/** Progress that shows itself only when it takes long. */
export function patientProgress(
  ctx: CommandContext,
  title: string,
): { readonly update: (detail: string) => void; readonly end: (done: boolean) => Promise<void> } {
  const begun = ctx.clock.monotonic();
  let shown: Progress | undefined;
  return {
    update: (detail) => {
      if (ctx.clock.monotonic() - begun < quietMs) return;
      shown ??= ctx.progress([title]);
      shown.update(title, 'running', detail);
    },
    end: async (done) => {
      shown?.update(title, done ? 'done' : 'failed');
      await shown?.end();
    },
  };
}
