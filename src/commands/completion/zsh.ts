import { shellQuote } from '../../base/index.ts';
import { valueOptions, type CompletionCommand, type Words } from './words.ts';

/** The completion script for zsh: sourced, or as a file `_devenv` in a folder of $fpath. */
export function zshScript(commands: readonly CompletionCommand[]): string {
  const valued = [...new Set(commands.flatMap(valueOptions).flatMap(({ flags }) => flags))];
  const list = [{ name: 'help', summary: 'help for one command' }, ...commands];
  return `#compdef devenv
# zsh completion for devenv: source <(devenv completion zsh)
_devenv_names() {
  local -a names
  names=("\${(@f)$("\${words[1]}" __complete "$1" $cwd 2>/dev/null)}")
  compadd -V "$1" -- \${names:#}
}
_devenv() {
  local command prev=\${words[CURRENT-1]} i
  local -a cwd commands options
  for ((i = 2; i < CURRENT; i++)); do
    case \${words[i]} in
      --cwd) ((i + 1 < CURRENT)) && cwd=(--cwd "\${(Q)words[i+1]/#\\~/$HOME}"); ((i++));;
      ${valued.filter((flag) => flag !== '--cwd').join('|')}) ((i++));;
      --) _files; return;;
      -*) ;;
      *) [[ -n $command ]] || command=\${words[i]};;
    esac
  done
  commands=(
${list.map(({ name, summary }) => `    ${shellQuote(entry(name, summary))}`).join('\n')}
  )
  case $command in
    ''|help) _describe -t commands command commands;;
${commands.map(branch).join('\n')}
  esac
}
if [[ $funcstack[1] == _devenv ]]; then
  _devenv "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _devenv devenv
fi
`;
}

function branch(command: CompletionCommand): string {
  const values = valueOptions(command).map(
    ({ flags, value }) => `        ${flags.join('|')}) ${action(value)}; return;;`,
  );
  const options = command.options.flatMap(({ flags, summary }) =>
    flags.map((flag) => `        ${shellQuote(entry(flag, summary))}`),
  );
  return `    ${command.name})
      case $prev in
${values.join('\n')}
      esac
      if [[ \${words[CURRENT]} == -* ]]; then
        options=(
${options.join('\n')}
        )
        _describe -o -t options option options
      else
        ${action(command.args)}
      fi;;`;
}

function action({ fixed, kinds, paths }: Words): string {
  const parts = [
    ...(fixed.length > 0 ? [`compadd -- ${fixed.map(shellQuote).join(' ')}`] : []),
    ...kinds.map((kind) => `_devenv_names ${kind}`),
    ...(paths ? [`_files${paths === 'dir' ? ' -/' : ''}`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : ':';
}

function entry(name: string, summary: string): string {
  return `${name.replaceAll(':', '\\:')}:${summary}`;
}
