import { DevenvError } from '../base/index.ts';
import { mustGit } from '../git/index.ts';
import type { RawPath, Repo } from '../git/index.ts';
import type { IntendedModes } from './announced.ts';
import { parseMessage } from './message.ts';
import type { Skipped } from './types.ts';

/** What a commit of devenv's says of its tree, for putting it back. */
export interface SavedState {
  readonly commit: string;
  readonly tree: string;
  readonly head: string | null;
  readonly branch: string | null;
  /** The commit of the staged tree. */
  readonly staged: string;
  readonly intended: readonly RawPath[];
  readonly intendedModes: IntendedModes;
  /** Files that were on the disk as HEAD holds them, byte for byte: nothing may convert them. 'all': every one. */
  readonly raw: 'all' | readonly RawPath[];
  readonly skipped: readonly Skipped[];
  readonly partial: boolean;
}

/** The trailer `Raw` where that is every clean file. */
export const allRaw = 'all';

/** Reads what a commit made by devenv says of itself. */
export async function readSaved(repo: Repo, commit: string): Promise<SavedState> {
  const out = await mustGit(repo, 'reading a checkpoint', [
    'log',
    '-1',
    '--no-show-signature',
    '--format=%H%x00%T%x00%P%x00%B',
    commit,
    '--',
  ]);
  const [id = '', tree = '', parents = '', text = ''] = out.toString('utf8').split('\0');
  const [first = '', second] = parents.split(' ');
  const { fields, skipped, partial } = parseMessage(text);
  if (!fields.has('Tree')) throw new DevenvError('unknown-tag', `${commit} was not made by devenv`);
  const head = fields.get('Head');
  const unborn = head === undefined || head === 'none';
  return {
    commit: id,
    tree,
    head: unborn ? null : first,
    branch: fields.get('Branch') ?? null,
    staged: second ?? first,
    intended: parsePaths(fields.get('Intent')),
    intendedModes: parseModes(fields.get('Intent-Modes')),
    raw: fields.get('Raw') === allRaw ? 'all' : parsePaths(fields.get('Raw')),
    skipped,
    partial,
  };
}

/** Paths as a trailer holds them. */
export function parsePaths(text: string | undefined): RawPath[] {
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(String) : [];
}

function parseModes(text: string | undefined): IntendedModes {
  if (text === undefined) return {};
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, mode]) => [name, String(mode)]));
}
