import { literal } from '../detect/types.ts';
import type { WrittenWindow } from '../schema.ts';
import { absoluteOf, byName, cwdOf, importedWindow, prefixed, sequence, splitOf } from './commands.ts';
import { isTree, treeOf } from '../tree.ts';
import { listOf, textOf, type Importer, type ImportTarget } from './types.ts';

const understood = new Set([
  'session_name',
  'start_directory',
  'windows',
  'environment',
  'shell_command_before',
  'global_options',
  'options',
  'suppress_history',
]);

/** tmuxp, in YAML or JSON: `windows` is a list of mappings with `window_name`. */
export const tmuxp: Importer = {
  recognises: (_file, parsed) =>
    isTree(parsed) && 'session_name' in parsed && Array.isArray(parsed['windows']),
  read: (parsed, _text, target) => {
    const tree = treeOf(parsed);
    const root = absoluteOf(target, target.root, textOf(tree['start_directory']) ?? '.');
    const around = { before: typedLines(tree['shell_command_before']), root, target };
    const windows = listOf(tree['windows']).map(
      (entry, i) =>
        [
          textOf(treeOf(entry)['window_name']) ?? `window-${i + 1}`,
          readWindow(treeOf(entry), around),
        ] as const,
    );
    const name = textOf(tree['session_name']);
    const env = variables(tree['environment'], literal);
    return {
      ...(name === undefined ? {} : { name: literal(name) }),
      ...(Object.keys(env).length === 0 ? {} : { env }),
      windows: byName(windows),
      left: Object.keys(tree)
        .filter((key) => !understood.has(key))
        .map((key) => `${key} is not imported`),
    };
  },
};

interface Around {
  readonly before: readonly string[];
  readonly root: string;
  readonly target: ImportTarget;
}

function readWindow(
  window: Readonly<Record<string, unknown>>,
  { before, root, target }: Around,
): WrittenWindow {
  const dir = absoluteOf(target, root, textOf(window['start_directory']) ?? '.');
  const own = [...before, ...typedLines(window['shell_command_before'])];
  const panes = window['panes'] === undefined ? [window['shell_command'] ?? null] : listOf(window['panes']);
  const cwd = cwdOf(target, dir, undefined);
  const split = splitOf(textOf(window['layout']));
  const env = variables(window['environment'], literal);
  return importedWindow(
    panes.map((pane) => paneCommand(pane, own, { dir, target })),
    {
      ...(split === undefined ? {} : { split }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(Object.keys(env).length === 0 ? {} : { env }),
      ...(window['focus'] === true || window['focus'] === 'true' ? { focus: true } : {}),
    },
  );
}

function paneCommand(
  pane: unknown,
  before: readonly string[],
  { dir, target }: { dir: string; target: ImportTarget },
): string | undefined {
  const tree = treeOf(pane);
  const own = [...before, ...typedLines(tree['shell_command_before'])];
  const typed = typedLines(isTree(pane) ? tree['shell_command'] : pane);
  const command =
    typed.length === 0
      ? own.length === 0
        ? undefined
        : sequence([...own, 'exec "${SHELL:-sh}"'])
      : sequence([...own, ...typed]);
  const start = textOf(tree['start_directory']);
  const inner = start === undefined ? dir : absoluteOf(target, dir, start);
  return prefixed(
    inner === dir ? undefined : inner,
    variables(tree['environment'], (text) => text),
    command,
  );
}

/** `blank`, `pane` and null are tmuxp's words for a shell; a command may be a mapping with `cmd`. */
function typedLines(value: unknown): string[] {
  return listOf(value).flatMap((item) => {
    const text = textOf(isTree(item) ? item['cmd'] : item);
    return text === undefined || text === 'blank' || text === 'pane' ? [] : [text];
  });
}

function variables(value: unknown, write: (text: string) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(treeOf(value)).flatMap(([name, item]) =>
      textOf(item) === undefined ? [] : [[name, write(textOf(item) ?? '')]],
    ),
  );
}
