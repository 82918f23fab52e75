import type { CompletionCommand, Words } from './words.ts';

/** The completion script for fish. */
export function fishScript(commands: readonly CompletionCommand[]): string {
  const lines = commands.flatMap((command) => [
    `complete -c devenv -n __devenv_no_command -a ${quote(command.name)} -d ${quote(command.summary)}`,
    ...command.options.map(({ flags, summary, value }) => {
      const names = flags.map((flag) =>
        flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      return `${on(command)} ${names.join(' ')} -d ${quote(summary)}${value ? ` -x${candidates(value)}` : ''}`;
    }),
    ...(candidates(command.args) ? [`${on(command)}${candidates(command.args)}`] : []),
  ]);
  return `# fish completion for devenv: devenv completion fish | source
function __devenv_no_command
    test (count (commandline -opc)) -eq 1
end
function __devenv_command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test "$words[2]" = "$argv[1]"; and not contains -- -- $words
end
function __devenv_paths
    contains -- -- (commandline -opc)
end
function __devenv_names
    set -l words (commandline -opc)
    set -l cwd
    set -l at (contains -i -- --cwd $words)
    and set -q words[(math $at + 1)]
    and set cwd --cwd $words[(math $at + 1)]
    eval (string escape -- $words[1]) __complete $argv[1] (string escape -- $cwd) 2>/dev/null
end
complete -c devenv -f
complete -c devenv -n __devenv_paths -a '(__fish_complete_path)'
complete -c devenv -n __devenv_no_command -l help -s h -d 'help'
complete -c devenv -n __devenv_no_command -l version -s V -d 'print the version'
${lines.join('\n')}
`;
}

function on(command: CompletionCommand): string {
  return `complete -c devenv -n ${quote(`__devenv_command ${command.name}`)}`;
}

function candidates({ fixed, kinds, paths }: Words): string {
  const parts = [
    ...fixed,
    ...kinds.map((kind) => `(__devenv_names ${kind})`),
    ...(paths === 'dir'
      ? ['(__fish_complete_directories)']
      : paths === 'file'
        ? ['(__fish_complete_path)']
        : []),
  ];
  return parts.length > 0 ? ` -k -a ${quote(parts.join(' '))}` : '';
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
