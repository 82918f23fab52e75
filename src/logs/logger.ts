import { existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureDir, randomId, shellQuote, quickHash, stateDir } from '../base/index.ts';
import { awkLogger, perlLogger } from './logger-script.ts';

/** Where the two forms of the pane logger lie. */
export interface LoggerScripts {
  readonly perl: string;
  readonly awk: string;
}

/**
 * Puts the logger's scripts into the state directory, unless they are there: their names carry the
 * hash of what they hold, so versions of devenv do not disturb each other's running loggers.
 * Throws DevenvError('state-dir') where that directory cannot be written.
 */
export function ensureLogger(env: NodeJS.ProcessEnv): LoggerScripts {
  const dir = path.join(stateDir(env), 'lib');
  return { perl: place(dir, 'logger', perlLogger), awk: place(dir, 'logger-awk', awkLogger) };
}

function place(dir: string, name: string, content: string): string {
  const file = path.join(dir, `${name}-${quickHash(content)}`);
  if (existsSync(file)) return file;
  const fresh = `${file}.${randomId()}`;
  writeFileSync(path.join(ensureDir(dir), path.basename(fresh)), content, { mode: 0o600 });
  renameSync(fresh, file);
  return file;
}

/** What one pane's logger is told. */
export interface LoggerInput {
  readonly scripts: LoggerScripts;
  /** The log file, absolute; its folder is made when the first line comes. */
  readonly file: string;
  readonly maxSizeBytes: number;
  /** How many older files (`api.log.1` ...) stay beside the current one. */
  readonly keep: number;
}

/**
 * The shell command for tmux's `pipe-pane`: it stamps every line, masks secrets, rotates.
 * The text is ready for tmux's format expansion (`#` and `%` doubled, pid and id of the pane left
 * to tmux): quote it as one tmux argument, nothing else.
 */
export function loggerCommand({ scripts, file, maxSizeBytes, keep }: LoggerInput): string {
  const args = `${inFormat(shellQuote(file))} ${maxSizeBytes} ${keep} '#{pane_pid}' '#{pane_id}'`;
  const perl = `exec perl ${inFormat(shellQuote(scripts.perl))} ${args}`;
  return `command -v perl >/dev/null && ${perl}; exec sh ${inFormat(shellQuote(scripts.awk))} ${args}`;
}

/** A shell word that tmux's format and time expansion give back as it is. */
function inFormat(word: string): string {
  // tmux leaves `##[` alone (it could be a style), so the shell's quotes part the two characters.
  return word.replaceAll('#[', `#''[`).replaceAll('#', '##').replaceAll('%', '%%');
}
