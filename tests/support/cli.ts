import path from 'node:path';
import { packageRoot, run, type RunOptions, type RunResult } from '../../src/base/index.ts';

/** The built program, run as a user runs it. Its arguments; then where and with which environment. */
export function devenv(
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv } & RunOptions,
): Promise<RunResult> {
  return run([process.execPath, path.join(packageRoot(), 'bin/devenv.js'), ...args], options);
}

/** As `devenv`, with `--json`: the parsed document. */
export async function devenvJson<T>(
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<T> {
  const result = await devenv([...args, '--json'], options);
  try {
    return JSON.parse(result.stdout) as T;
  } catch (error) {
    throw new Error(`no JSON from devenv ${args.join(' ')}: ${result.stdout}${result.stderr}`, {
      cause: error,
    });
  }
}
