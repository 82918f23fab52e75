import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../base/index.ts';
import type { Draft } from './detect/types.ts';

/** The text of devenv.yaml for a draft; its first line tells editors where the schema is. */
export function draftText(root: string, draft: Draft): string {
  const { name, layout, env, windows, suites, gates } = draft;
  const sections = [
    { ...(name === undefined ? {} : { name }), ...(layout === undefined ? {} : { layout }) },
    ...[{ env }, { windows }, { suites }, { gates }].filter((section) =>
      Object.values(section).some((part) => Object.keys(part ?? {}).length > 0),
    ),
  ];
  const body = sections.map((section) => emitMapping(section, 0)).filter(Boolean);
  return [`# yaml-language-server: $schema=${schemaReference(root)}\n`, ...body].join('\n');
}

/**
 * The schema as an editor finds it: the package's own file, relative where devenv is installed in the
 * project (so that the line holds on every machine), else by its URL.
 */
function schemaReference(root: string): string {
  const installed = 'node_modules/devenv/schema/devenv.schema.json';
  if (existsSync(path.join(root, installed))) return `./${installed}`;
  return pathToFileURL(path.join(packageRoot(), 'schema', 'devenv.schema.json')).href;
}

function emitMapping(mapping: object, depth: number): string {
  const indent = '  '.repeat(depth);
  return Object.entries(mapping)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]: [string, unknown]) =>
      // What stands there is a comment.
      key === 'advice' && Array.isArray(value)
        ? value.map((line: unknown) => `${indent}# ${String(line)}\n`).join('')
        : `${indent}${/^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key)}:${emitValue(value, depth)}`,
    )
    .join('');
}

function emitValue(value: unknown, depth: number): string {
  if (Array.isArray(value))
    return value.length === 0
      ? ' []\n'
      : `\n${value.map((item: unknown) => emitItem(item, depth + 1)).join('')}`;
  if (typeof value !== 'object' || value === null) return ` ${emitScalar(value)}\n`;
  return Object.keys(value).length === 0 ? ' {}\n' : `\n${emitMapping(value, depth + 1)}`;
}

function emitItem(item: unknown, depth: number): string {
  const indent = '  '.repeat(depth);
  if (typeof item !== 'object' || item === null) return `${indent}- ${emitScalar(item)}\n`;
  const inner = emitMapping(item, depth + 1);
  return inner === '' ? `${indent}- {}\n` : `${indent}- ${inner.slice(indent.length + 2)}`;
}

/** Texts that YAML reads as themselves without quotes; every other one is written as JSON, which is YAML too. */
const plain = /^[A-Za-z_./][\w ./@%+=;,-]*(?::[\w./][\w ./@%+=;,-]*)*$/;
const reserved = /^(true|false|null|yes|no|on|off|~|\.inf|\.nan|<<)$/i;

function emitScalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return plain.test(value) && !reserved.test(value) && value.trim() === value && !/^\.\d/.test(value)
    ? value
    : JSON.stringify(value);
}
