/** A row of the table of commands, as far as completion needs it. */
export interface CompletionRow {
  readonly name: string;
  readonly summary: string;
  /** commander's notation: `[window...]`, `<bash|zsh|fish>`. */
  readonly args?: string;
  readonly options?: readonly (readonly [flags: string, description: string, ...unknown[]])[];
}

/** What can stand at a place: fixed words, names asked of devenv, files or folders. */
export interface Words {
  readonly fixed: readonly string[];
  readonly kinds: readonly string[];
  readonly paths: 'file' | 'dir' | undefined;
}

/** One option of a command. */
interface CompletionOption {
  /** `-d`, `--detach`: as typed. */
  readonly flags: readonly string[];
  readonly summary: string;
  /** What its value can be; undefined when it takes none. */
  readonly value: Words | undefined;
}

/** A command as the scripts of all shells see it. */
export interface CompletionCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletionOption[];
  readonly args: Words;
}

const kinds = new Set(['window', 'suite', 'runnable', 'tag', 'layout', 'host']);

const everyCommand: readonly (readonly [string, string])[] = [
  ['--json', 'print facts as JSON'],
  ['--cwd <dir>', 'run as if started in this directory'],
  ['--host <host>', 'run it on that remote box'],
  ['--accept-new-host-key', 'believe a remote box that was never seen before'],
  ['-q, --quiet', 'no progress and no remarks; results stay'],
  ['-v, --verbose', 'more of them'],
  ['-h, --help', 'help for this command'],
];

/** Reads a row: what its arguments and option values are follows from their notation. */
export function describe(row: CompletionRow): CompletionCommand {
  const own = (row.options ?? []).filter(([, description]) => description !== '');
  const common = everyCommand.filter(([flags]) => !own.some(([other]) => other === flags));
  return {
    name: row.name,
    summary: row.summary,
    options: [...own, ...common].map(([flags, summary]) => describeOption(flags, summary)),
    args: wordsOf(row.args ?? ''),
  };
}

function describeOption(flags: string, summary: string): CompletionOption {
  const [, names = '', placeholder] = /^([^<[]*?)\s*([<[].*)?$/.exec(flags) ?? [];
  const list = names.split(/[\s,]+/).filter(Boolean);
  if (placeholder === undefined) return { flags: list, summary, value: undefined };
  // `--layout <name>`: the option itself says what kind of name.
  const kind = list.map((flag) => flag.replace(/^--/, '')).find((name) => kinds.has(name));
  return { flags: list, summary, value: wordsOf(kind ? `<${kind}>` : placeholder) };
}

function wordsOf(notation: string): Words {
  // A window that is no task cannot be run, and a task is often called as its suite is.
  if (notation.includes('suite|window')) return wordsOf('<runnable>');
  const words: readonly string[] = notation.match(/[\w-]+/g) ?? [];
  const known = [...new Set(words.filter((word) => kinds.has(word)))];
  const paths = words.includes('dir') ? 'dir' : words.includes('file') ? 'file' : undefined;
  // `<bash|zsh|fish>` are the words themselves, `<time>` is what the user thinks of.
  const choices = notation.match(/[\w-]+(?:\|[\w-]+)+/g) ?? [];
  const fixed = choices.flatMap((choice) => choice.split('|')).filter((word) => !kinds.has(word));
  return { fixed, kinds: known, paths };
}

/** The values that an option takes, grouped: one entry per kind of value, with all the flags that take it. */
export function valueOptions(
  command: CompletionCommand,
): readonly { readonly flags: readonly string[]; readonly value: Words }[] {
  return command.options.flatMap(({ flags, value }) => (value ? [{ flags, value }] : []));
}
