import { valueOptions, type CompletionCommand, type Words } from './words.ts';

/** The completion script for bash (3.2 on). */
export function bashScript(commands: readonly CompletionCommand[]): string {
  const names = ['help', ...commands.map(({ name }) => name)].join(' ');
  const valued = [...new Set(commands.flatMap(valueOptions).flatMap(({ flags }) => flags))];
  return `# bash completion for devenv: source <(devenv completion bash)
_devenv_words() {
  local IFS=$'\\n'
  COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}
_devenv_names() {
  _devenv_words "$("$program" __complete "$1" \${cwd[@]+"\${cwd[@]}"} 2>/dev/null)"
}
_devenv() {
  local program=$1 cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= i
  local -a cwd
  cwd=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --cwd) ((i + 1 < COMP_CWORD)) && cwd=(--cwd "\${COMP_WORDS[i+1]/#\\~/$HOME}"); ((i++));;
      ${valued.filter((flag) => flag !== '--cwd').join('|')}) ((i++));;
      --) ${files('f')}; return;;
      -*) ;;
      *) [[ $command ]] || command=\${COMP_WORDS[i]};;
    esac
  done
  case $command in
    '') _devenv_words ${ansiQuote([...names.split(' '), '--help', '--version'].join('\n'))};;
    help) _devenv_words ${ansiQuote(names.replaceAll(' ', '\n'))};;
${commands.map(branch).join('\n')}
  esac
}
complete -o nosort -F _devenv devenv 2>/dev/null || complete -F _devenv devenv
`;
}

function branch(command: CompletionCommand): string {
  const values = valueOptions(command).map(
    ({ flags, value }) => `        ${flags.join('|')}) ${action(value)}; return;;`,
  );
  const options = command.options.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith('--')));
  return `    ${command.name})
      case $prev in
${values.join('\n')}
      esac
      case $cur in
        -*) _devenv_words ${ansiQuote(options.join('\n'))};;
        *) ${action(command.args)};;
      esac;;`;
}

function action({ fixed, kinds, paths }: Words): string {
  const parts = [
    ...(fixed.length > 0 ? [`_devenv_words ${ansiQuote(fixed.join('\n'))}`] : []),
    ...kinds.map((kind) => `_devenv_names ${kind}`),
    ...(paths ? [files(paths === 'dir' ? 'd' : 'f')] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : ':';
}

function files(kind: 'd' | 'f'): string {
  return `compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY+=($(compgen -${kind} -- "$cur"))`;
}

function ansiQuote(text: string): string {
  return `$'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
