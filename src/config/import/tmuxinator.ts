import { literal } from '../detect/types.ts';
import type { WrittenWindow } from '../schema.ts';
import { absoluteOf, byName, cwdOf, importedWindow, sequence, splitOf } from './commands.ts';
import { isTree, treeOf } from '../tree.ts';
import { listOf, textOf, type Importer, type ImportTarget } from './types.ts';

const understood = new Set([
  'name',
  'project_name',
  'root',
  'project_root',
  'windows',
  'tabs',
  'pre_window',
  'pre_tab',
  'rbenv',
  'rvm',
  'startup_window',
]);
/** How tmux is called and attached to is devenv's own affair. */
const needless = new Set([
  'attach',
  'tmux_command',
  'tmux_options',
  'cli_args',
  'socket_name',
  'socket_path',
  'startup_pane',
  'tmux_detached',
]);

/** tmuxinator: `windows` is a list of mappings with one key, the window's name. */
export const tmuxinator: Importer = {
  recognises: (_file, parsed) => {
    const tree = treeOf(parsed);
    return (
      Array.isArray(tree['windows'] ?? tree['tabs']) &&
      ('name' in tree || 'project_name' in tree) &&
      !('session_name' in tree)
    );
  },
  read: (parsed, _text, target) => {
    const tree = treeOf(parsed);
    const root = absoluteOf(target, target.root, textOf(tree['root'] ?? tree['project_root']) ?? '.');
    const before = [
      ...(textOf(tree['rbenv']) === undefined ? [] : [`rbenv shell ${textOf(tree['rbenv'])}`]),
      ...(textOf(tree['rvm']) === undefined ? [] : [`rvm use ${textOf(tree['rvm'])}`]),
      ...lines(tree['pre_window'] ?? tree['pre_tab']),
    ];
    const startup = textOf(tree['startup_window']);
    const windows = listOf(tree['windows'] ?? tree['tabs']).flatMap((entry, i) =>
      Object.entries(isTree(entry) ? entry : { [textOf(entry) ?? `window-${i + 1}`]: null }).map(
        ([name, window]) =>
          [
            name,
            readWindow(window, { before, root, target }, startup === name || startup === String(i)),
          ] as const,
      ),
    );
    const name = textOf(tree['name'] ?? tree['project_name']);
    const left = Object.keys(tree).filter((key) => !understood.has(key) && !needless.has(key));
    return {
      ...(name === undefined ? {} : { name: literal(name) }),
      windows: byName(windows),
      left: left.map((key) => `${key} is not imported`),
    };
  },
};

interface Around {
  readonly before: readonly string[];
  readonly root: string;
  readonly target: ImportTarget;
}

const lines = (value: unknown): string[] => listOf(value).flatMap((item) => textOf(item) ?? []);

function readWindow(window: unknown, { before, root, target }: Around, focus: boolean): WrittenWindow {
  const tree = treeOf(window);
  const own = [...before, ...lines(tree['pre'])];
  const panes =
    isTree(window) && tree['panes'] !== undefined ? listOf(tree['panes']) : [isTree(window) ? null : window];
  const base = textOf(tree['root']);
  const cwd = cwdOf(target, root, base);
  const split = splitOf(textOf(tree['layout']));
  return importedWindow(
    panes.map((pane) => paneCommand(pane, own)),
    {
      ...(split === undefined ? {} : { split }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(focus ? { focus } : {}),
    },
  );
}

/** A pane is a command, a list of commands, a mapping of its title to either, or nothing: a shell. */
function paneCommand(pane: unknown, before: readonly string[]): string | undefined {
  const typed = lines(isTree(pane) ? Object.values(pane)[0] : pane);
  // What goes before a bare shell prepares that shell.
  if (typed.length === 0)
    return before.length === 0 ? undefined : sequence([...before, 'exec "${SHELL:-sh}"']);
  return sequence([...before, ...typed]);
}
