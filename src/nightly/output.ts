import { appendFileSync } from 'node:fs';
import { maskSecrets, secretValues } from '../base/index.ts';
import type { Project } from '../config/index.ts';

const mostBytes = 50 * 1024 * 1024;

/** Hides values that look secret. */
export function masker(env: NodeJS.ProcessEnv, { config }: Project): (text: string) => string {
  const values = [env, config.env, ...config.suites.map((suite) => suite.env)].flatMap(secretValues);
  return (text) => maskSecrets(text, values);
}

/** The log of one night: whole lines, with secrets hidden. */
export interface Output {
  /** A line of devenv's own. */
  readonly title: (text: string) => void;
  readonly write: (chunk: string) => void;
  /** What is left of the last line. */
  readonly end: () => void;
}

/** Appends to a file. What cannot be written is left out: a full disk must not fail the night. */
export function openOutput(file: string, mask: (text: string) => string): Output {
  let rest = '';
  let left = mostBytes;
  const append = (text: string): void => {
    if (left <= 0 || text === '') return;
    const masked = mask(text);
    left -= Buffer.byteLength(masked);
    try {
      appendFileSync(file, left > 0 ? masked : `${masked}\n[the rest is left out: more than 50 MB]\n`);
    } catch {
      left = 0;
    }
  };
  const end = (): void => {
    append(rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`);
    rest = '';
  };
  return {
    title: (text) => {
      end();
      append(`=== ${text}\n`);
    },
    write: (chunk) => {
      const whole = (rest + chunk).lastIndexOf('\n') + 1;
      const text = rest + chunk;
      append(text.slice(0, whole));
      rest = text.slice(whole);
    },
    end,
  };
}
