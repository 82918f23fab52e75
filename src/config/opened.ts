import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { stateDir } from '../base/index.ts';
import type { Document } from './document.ts';
import { mergeDocuments } from './merge.ts';

/** What stands beside a checkpoint's own work tree, in a file of that name with `.json`. */
export interface OpenedMarker {
  readonly tag: string;
  /** The checkpoint's commit, on which HEAD of the work tree stood first. */
  readonly commit: string;
  /** What the project is called there. */
  readonly name: string;
  /** The folder of the project that it was opened from. */
  readonly of: string;
  /** The work tree; a project in a subfolder of the repository lies at the same place below. */
  readonly tree: string;
  /** The project's folder in it. */
  readonly root: string;
  /** Links that were made in it, below `tree`. */
  readonly links: readonly string[];
  /** The process that makes it; undefined when it is whole. */
  readonly making?: number;
}

/** The folder of work trees that `devenv open` makes, by project and checkpoint. */
export const openedDir = (env: NodeJS.ProcessEnv): string => path.join(stateDir(env), 'open');

/** The marker of the opened work tree that a folder lies in; undefined for any other folder. */
export function readOpened(root: string, env: NodeJS.ProcessEnv): OpenedMarker | undefined {
  const base = openedDir(env);
  if (!existsSync(base)) return undefined;
  const [project = '', tag = ''] = path.relative(realpathSync(base), root).split(path.sep);
  return project === '..' || tag === ''
    ? undefined
    : readMarker(path.join(realpathSync(base), project, `${tag}.json`));
}

/** Reads one marker; undefined when it is absent. */
export function readMarker(file: string): OpenedMarker | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file
    return JSON.parse(readFileSync(file, 'utf8')) as OpenedMarker;
  } catch {
    return undefined;
  }
}

const label = 'devenv open';

/**
 * What goes over a project's files so that it can run beside the live one: its name, a free port for each
 * that was fixed, and `localhost:8080` wherever the project says where such a window is. Pure.
 */
export function standBeside(documents: readonly Document[], name: string): Document {
  const { value } = mergeDocuments(documents);
  const windows = Object.entries(value.windows ?? {}).flatMap(([key, window]) =>
    window ? [[key, window] as const] : [],
  );
  const fixed = windows.flatMap(([key, { port }]) =>
    port === undefined || port === 'auto' ? [] : [[key, String(port)] as const],
  );
  const moved = windows.map(([key, window]) => {
    const { port, command, panes, ready, env } = window;
    const own = fixed.some(([other]) => other === key) ? 'auto' : port;
    return [key, rewrite(given({ port: own, command, panes, ready, env }), fixed)];
  });
  const written = given({
    name,
    ...(value.env === undefined ? {} : { env: rewrite(value.env, fixed) }),
    ...(moved.length === 0 ? {} : { windows: Object.fromEntries(moved) }),
  });
  const at = Object.fromEntries([['name', label], ...fixed.map(([key]) => [`windows.${key}.port`, label])]);
  return { value: written, at };
}

function given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

type Fixed = readonly (readonly [window: string, port: string])[];

function rewrite(value: unknown, fixed: Fixed): unknown {
  if (typeof value === 'string') return rewriteText(value, fixed);
  if (Array.isArray(value)) return value.map((item) => rewrite(item, fixed));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      // `tcp: 5432` is a port without a host.
      const owner = key === 'tcp' ? fixed.find(([, port]) => port === String(item)) : undefined;
      return [key, owner ? `\${port.${owner[0]}}` : rewrite(item, fixed)];
    }),
  );
}

const local = String.raw`(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])`;

function rewriteText(text: string, fixed: Fixed): string {
  return fixed.reduce((rest, [window, port]) => {
    const literal = port.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    return rest.replaceAll(new RegExp(`${local}:${literal}(?!\\d)`, 'g'), `$1:\${port.${window}}`);
  }, text);
}
