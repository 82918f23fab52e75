import path from 'node:path';
import { packageRoot, self, shellQuote } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import type { Question } from '../watch/index.ts';
import type { CommandContext } from './context.ts';

/** One choice of a menu. */
interface Item {
  readonly label: string;
  readonly key: string;
  readonly command: string;
}

/**
 * The menu that asks what is to become of a regression. Each answer is a shell command that tmux runs, whether
 * the watcher still lives or not, and that says what came of it; none is the same as "keep it". "Roll back" is
 * refused once the files are others than those that were asked about.
 */
export function regressionMenu(
  ctx: Pick<CommandContext, 'env'>,
  project: Pick<Project, 'root'>,
  session: { readonly id: string },
  question: Question,
): { readonly title: string; readonly items: readonly Item[] } {
  const { why, checkpoint, tree } = question;
  const watcher = ctx.env['TMUX_PANE'] ?? `${session.id}:watcher`;
  const tag = shellQuote(checkpoint);
  return {
    title: ` The tests fail: ${why.slice(0, 60)} `,
    items: [
      {
        label: 'Look at the failure',
        key: 'l',
        command: `tmux select-window -t ${shellQuote(watcher)} || ${say('devenv status says which tests fail')}`,
      },
      {
        label: `Roll back to ${checkpoint}`,
        key: 'r',
        command: answer(ctx, project.root, `rollback ${tag} --if-tree ${shellQuote(tree)}`, {
          done: `put back ${checkpoint}; devenv undo takes this back`,
        }),
      },
      { label: 'Keep it', key: 'k', command: 'true' },
    ],
  };
}

/** Runs a command of devenv's and shows in tmux what came of it, its complaint if it has one. */
function answer(
  ctx: Pick<CommandContext, 'env'>,
  root: string,
  command: string,
  { done }: { readonly done: string },
): string {
  // The server's environment knows neither this devenv nor where it keeps its state.
  const known = ['PATH', 'DEVENV_TMUX_SOCKET', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME'].flatMap((name) =>
    ctx.env[name] === undefined ? [] : [shellQuote(`${name}=${ctx.env[name]}`)],
  );
  const program = [self.execPath, path.join(packageRoot(), 'bin', 'devenv.js')].map(shellQuote);
  const run = `cd ${shellQuote(root)} && env ${[...known, ...program].join(' ')} ${command}`;
  return `if said=$(${run} 2>&1); then said=${shellQuote(`devenv: ${done}`)}; fi; ${sayText('"$said"')}`;
}

const say = (text: string): string => sayText(shellQuote(`devenv: ${text}`));

/** Shows the first lines of a text of the shell's; tmux would take # for a format and % for the time. */
const sayText = (word: string): string =>
  `tmux display-message -d 10000 "$(printf %s ${word} | head -n 2 | tr '\\n' ' ' | sed 's/[#%]/&&/g')"`;
