import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../base/index.ts';
import { explainProject, findRoot, loadProject, maskedConfig, type Setting } from '../config/index.ts';
import type { CommandContext, CommandResult } from './context.ts';

const actions = { show, schema, path: where } as const;

/** `devenv config`: the effective configuration, its JSON Schema, or where its file is. */
export async function config(
  ctx: CommandContext,
  input: { readonly action: keyof typeof actions },
): Promise<CommandResult> {
  return actions[input.action](ctx);
}

async function show(ctx: CommandContext): Promise<CommandResult> {
  const project = await loadProject({ cwd: ctx.cwd, env: ctx.env });
  const settings = explainProject(project);
  const { root, configFile = null, sessionName, detected, origins } = project;
  const width = Math.max(...settings.map(({ key }) => key.length));
  // A long value does not push all others' origins off the screen.
  const rows = settings.map(
    ({ key, value, origin }) =>
      `${key.padEnd(width)}  ${shown(value).padEnd(40)}  ${ctx.colors.dim(`# ${origin}`)}`,
  );
  const found = detected.map((line) => ctx.colors.dim(`# detected: ${line}`));
  return {
    json: { root, configFile, session: sessionName, detected, config: maskedConfig(project), origins },
    text: [...found, ...rows].join('\n'),
  };
}

/** One line each, whatever is in it. */
function shown(value: Setting['value']): string {
  return typeof value === 'string' && /^[^\s"'[{#]([^\n]*\S)?$/.test(value) ? value : JSON.stringify(value);
}

function schema(): CommandResult {
  const text = readFileSync(path.join(packageRoot(), 'schema', 'devenv.schema.json'), 'utf8').trimEnd();
  return { json: JSON.parse(text) as unknown, text };
}

function where(ctx: CommandContext): CommandResult {
  const { root, configFile = null } = findRoot(ctx.cwd);
  return configFile === null
    ? {
        json: { path: null, root },
        text: `${path.join(root, 'devenv.yaml')} (not there: the configuration is detected)`,
      }
    : { json: { path: configFile, root }, text: configFile };
}
