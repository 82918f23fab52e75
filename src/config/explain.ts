import type { z } from 'zod';
import { nearest } from '../base/index.ts';
import { didYouMean, wordMeant } from './problems.ts';

type Path = readonly (string | number)[];
type Issue = z.core.$ZodIssue;
interface Explained {
  readonly path: Path;
  readonly message: string;
}

/** So many are still read in one line. */
const mostKeys = 24;

const knownKeys = (valid: readonly string[]): string =>
  valid.length === 0 || valid.length > mostKeys ? '' : ` (there are: ${valid.join(', ')})`;

/** What zod found, as one sentence each, with the path of the key to point at. */
export function explainIssues(
  schema: z.ZodType,
  issues: readonly Issue[],
  value: unknown,
  prefix: Path = [],
): Explained[] {
  return issues.flatMap((issue) => explain(schema, issue, value, prefix));
}

function explain(schema: z.ZodType, issue: Issue, root: unknown, prefix: Path): Explained[] {
  const path = [...prefix, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const value = valueAt(root, path);
  const label = path.join('.') || 'the file';
  switch (issue.code) {
    case 'unrecognized_keys': {
      const valid = keysAt(schema, path);
      const where = path.length === 0 ? '' : ` in ${path.join('.')}`;
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key "${key}"${where}${didYouMean(nearest(key, valid)) || knownKeys(valid)}`,
      }));
    }
    case 'invalid_key':
      return [
        {
          path,
          message: `"${path.at(-1)}" is no name for ${singular(path.at(-2))}: use ${alphabet(path.at(-2))}`,
        },
      ];
    case 'invalid_union': {
      const branch = likelyBranch(issue.errors);
      if (branch) return explainIssues(schema, branch, root, path);
      return [
        {
          path,
          message: `${label} ${issue.message}${shown(value)}${enumHint(issue, value)}${unquoted(issue, value)}${mapped(path, value)}`,
        },
      ];
    }
    case 'invalid_type':
      return [
        {
          path,
          message: `${label} must be ${typeNames[issue.expected] ?? issue.expected}${shown(value)}${unlisted(issue, value)}`,
        },
      ];
    case 'invalid_value':
      return [
        {
          path,
          message: `${label} must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}${shown(value)}`,
        },
      ];
    default:
      return [{ path, message: `${label} ${issue.message}` }];
  }
}

/** tmuxp and tmuxinator have lists where devenv has names, so that a later file can change one of them. */
const unlisted = (issue: z.core.$ZodIssueInvalidType, value: unknown): string =>
  issue.expected === 'record' && Array.isArray(value) ? ': write `NAME: ...` instead of `- ...`' : '';

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
};

const singular = (section: string | number | undefined): string => `one of the ${section ?? 'keys'}`;
const alphabet = (section: string | number | undefined): string =>
  section === 'env'
    ? 'letters, digits and _, not a digit first'
    : section === 'hosts'
      ? 'letters, digits, ., - and _'
      : 'letters, digits, - and _';

/** The one branch of a union whose kind of value (mapping, list, ...) was given: its errors are the useful ones. */
function likelyBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  for (const isLikely of [isInside, mayBeInside]) {
    const fitting = branches.filter((issues) => issues.some(isLikely));
    if (fitting.length === 1) return fitting[0];
  }
  return undefined;
}

/** A mistake in what the value holds: its kind was right. */
const isInside = (issue: Issue): boolean =>
  issue.path.length > 0 ||
  issue.code === 'unrecognized_keys' ||
  (issue.code === 'invalid_union' && issue.errors.flat().some(isInside));

const mayBeInside = (issue: Issue): boolean => isInside(issue) || issue.code === 'invalid_union';

function enumHint(issue: Extract<Issue, { code: 'invalid_union' }>, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return '';
  const words = issue.errors
    .flat()
    .flatMap((inner) => (inner.code === 'invalid_value' ? inner.values.map(String) : []));
  return didYouMean(wordMeant(value, words));
}

/** `"8080"` is text in YAML. */
function unquoted(issue: Extract<Issue, { code: 'invalid_union' }>, value: unknown): string {
  const takesNumber = issue.errors
    .flat()
    .some((inner) => inner.code === 'invalid_type' && ['number', 'int'].includes(inner.expected));
  return takesNumber && typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)
    ? ': write it without quotes'
    : '';
}

/** The key that the text of one in a section is for, where only a text was written. */
const mainKeys: Readonly<Record<string, string>> = {
  windows: 'command',
  suites: 'command',
  gates: 'command',
  hosts: 'ssh',
};

function mapped(path: Path, value: unknown): string {
  const [section, name, ...below] = path;
  const key = Object.hasOwn(mainKeys, section ?? '') ? mainKeys[section ?? ''] : undefined;
  if (key === undefined || below.length > 0 || typeof value !== 'string' || value === '') return '';
  const text = /^[\w./][\w ./@=+-]*$/.test(value) ? value : JSON.stringify(value);
  return `: write \`${name}: { ${key}: ${text} }\``;
}

function shown(value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return ', not a list';
  if (value === null) return ', not empty';
  if (typeof value === 'object') return ', not a mapping';
  return `, not ${JSON.stringify(value)}`;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = new Map<string, unknown>(Object.entries(value)).get(String(part));
  }
  return value;
}

/** The keys that a mapping at this path may have, read from the schema itself. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let options: readonly z.core.$ZodType[] = unwrap(schema);
  for (const part of path)
    options = options.flatMap((option) => childrenOf(option, String(part)).flatMap(unwrap));
  return options.flatMap((option) => Object.keys(defOf(option).shape ?? {}));
}

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly innerType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly valueType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
}

const defOf = (schema: z.core.$ZodType): Def => schema._zod.def;

function unwrap(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const def = defOf(schema);
  if (def.options) return def.options.flatMap(unwrap);
  return def.innerType ? unwrap(def.innerType) : [schema];
}

function childrenOf(schema: z.core.$ZodType, key: string): readonly z.core.$ZodType[] {
  const def = defOf(schema);
  const child = def.shape
    ? Object.hasOwn(def.shape, key)
      ? def.shape[key]
      : undefined
    : (def.valueType ?? def.element);
  return child ? [child] : [];
}
