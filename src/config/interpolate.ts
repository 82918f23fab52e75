import { nearest } from '../base/index.ts';
import { didYouMean } from './problems.ts';

/** What `${...}` may refer to. */
export interface Scope {
  readonly variable: (name: string) => string | undefined;
  /** Ports by window; `auto` leaves `${port.x}` in place until it is known. */
  readonly ports: ReadonlyMap<string, number | 'auto'>;
  readonly root: string;
  readonly session: string;
}

export interface Interpolated {
  readonly text: string;
  readonly problems: readonly string[];
}

/**
 * Replaces `${VAR}`, `${VAR:-default}` (also when empty), `${VAR-default}` (only when unset), `${port.x}`,
 * `${project.root}` and `${session}`; `$$` and `\${` are the characters themselves.
 */
export function interpolate(text: string, scope: Scope): Interpolated {
  if (!text.includes('${') && !text.includes('$$')) return { text, problems: [] };
  const problems: string[] = [];
  let out = '';
  for (let i = 0; i < text.length;) {
    if (text.startsWith('$$', i)) [out, i] = [out + '$', i + 2];
    else if (text.startsWith('\\${', i)) [out, i] = [out + '${', i + 3];
    else if (text.startsWith('${', i)) {
      const end = closing(text, i + 2);
      if (end === -1) {
        problems.push(`"${text}" has a \${ without its }`);
        return { text, problems };
      }
      out += reference(text.slice(i + 2, end), scope, problems);
      i = end + 1;
    } else [out, i] = [out + text[i], i + 1];
  }
  return { text: out, problems };
}

/** The index of the } that ends a reference whose body starts at `from`; -1: there is none. */
function closing(text: string, from: number): number {
  for (let i = from, depth = 1; i < text.length; i += 1) {
    if (text.startsWith('${', i)) depth += 1;
    else if (text[i] === '}') depth -= 1;
    if (depth === 0) return i;
  }
  return -1;
}

function reference(body: string, scope: Scope, problems: string[]): string {
  const own = ownReference(body, scope);
  if (own) {
    if (own.problem !== undefined) problems.push(own.problem);
    return own.text;
  }
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)(.*))?$/s.exec(body);
  if (!match) {
    problems.push(
      `\${${body}} is no reference: use \${VAR}, \${VAR:-default}, \${port.NAME}, \${project.root} or \${session}`,
    );
    return '';
  }
  const [, name = '', operator, fallback = ''] = match;
  const value = scope.variable(name);
  if (value !== undefined && !(value === '' && operator === ':-')) return value;
  if (operator !== undefined) {
    const inner = interpolate(fallback, scope);
    problems.push(...inner.problems);
    return inner.text;
  }
  problems.push(`the variable ${name} is not set (\${${name}:-default} gives a default)`);
  return '';
}

/** What only devenv knows; undefined when the body is none of it. */
function ownReference(
  body: string,
  scope: Scope,
): { text: string; waits?: true; problem?: string } | undefined {
  if (body === 'session') return { text: scope.session };
  if (body === 'project.root') return { text: scope.root };
  if (body.startsWith('project.'))
    return { text: '', problem: `\${${body}} is not known (did you mean \${project.root}?)` };
  if (!body.startsWith('port.')) return undefined;
  const name = body.slice('port.'.length);
  const port = scope.ports.get(name);
  if (port === 'auto') return { text: `\${${body}}`, waits: true };
  if (port !== undefined) return { text: String(port) };
  return {
    text: '',
    problem: `\${${body}}: no window "${name}" with a port${didYouMean(nearest(name, scope.ports.keys()))}`,
  };
}

/**
 * A command is text of the shell: variables stay for it, only `${port.x}`, `${project.root}` and `${session}`
 * are replaced, quoted as the place they stand in needs. `\${` and `$$` are the shell's own.
 */
export function interpolateCommand(command: string, scope: Scope): Interpolated {
  if (!command.includes('${')) return { text: command, problems: [] };
  const problems: string[] = [];
  const text = command.replaceAll(
    /(\\.|\$\$)|\$\{((?:port|project)\.[^}]*|session)\}/gs,
    (whole: string, skip: string | undefined, body: string, at: number) => {
      const own = skip === undefined ? ownReference(body, scope) : undefined;
      if (!own) return whole;
      if (own.problem !== undefined) problems.push(own.problem);
      return own.waits ? own.text : quoteAt(command, at, own.text);
    },
  );
  return { text, problems };
}

/** A value as it must be written at an index of a shell text: bare, or inside single or double quotes. */
function quoteAt(command: string, index: number, value: string): string {
  let quote = '';
  for (let i = 0; i < index; i += 1) {
    const char = command[i] ?? '';
    if (char === '\\' && quote !== "'") i += 1;
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
  }
  if (quote === "'") return value.replaceAll("'", `'\\''`);
  if (quote === '"') return value.replaceAll(/["\\$`]/g, '\\$&');
  return value.replaceAll(/[^\w@%+=:,./\n-]/g, '\\$&').replaceAll('\n', "'\n'");
}

/** The names of variables a command mentions, as `$NAME` or `${NAME...}`. */
export function mentionedVariables(command: string): string[] {
  return [...command.matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1] ?? '');
}
