import path from 'node:path';
import { plural } from '../base/index.ts';
import { initProject } from '../config/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

/** `devenv init`: writes devenv.yaml and shows what it was made from. */
export async function init(
  ctx: CommandContext,
  input: { readonly layout?: string | undefined; readonly from?: string | undefined },
): Promise<CommandResult> {
  const { file, project, found } = await initProject({ cwd: ctx.cwd, env: ctx.env, ...input });
  const { windows, suites, layout } = project.config;
  const names = (items: readonly { readonly name: string }[]): string =>
    items.map(({ name }) => name).join(', ');
  const lines = [
    ...(found.length > 0
      ? ['found:', ...found.map((line) => `  ${line}`)]
      : ['found nothing to run: an editor and a shell']),
    `wrote ${ctx.colors.bold(path.relative(ctx.cwd, file) || file)}: ${plural(windows.length, 'window')} (${names(windows)})${suites.length > 0 ? `, ${plural(suites.length, 'suite')} (${names(suites)})` : ''}`,
  ];
  const json = {
    file,
    layout: layout ?? null,
    found,
    windows: windows.map(({ name }) => name),
    suites: suites.map(({ name }) => name),
  };
  return { json, text: lines.join('\n'), next: 'next: `devenv start`' };
}
