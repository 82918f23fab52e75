import path from 'node:path';
import type { Clock } from '../../base/index.ts';
import { readSaved, receivedRefs } from '../../checkpoint/index.ts';
import { git, mustGit, readRef, type Repo } from '../../git/index.ts';
import { settleBefore } from '../../rollback/index.ts';
import { receivedNames, stateFacts } from './facts.ts';
import { absoluteDir, lookAtPlace } from './place.ts';
import type { BoxState, LineEnds, PlaceOnBox } from './types.ts';
import { findUnsaved } from './unsaved.ts';

/** What the box side works with. */
export interface BoxDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** `checkpoint.max_file` of the project in that folder. */
  readonly maxFileBytes: (root: string) => Promise<number>;
}

const mostBases = 200;

/** How a folder of this box stands, before something is sent to it. What was killed in it is finished first. */
export async function boxState(deps: BoxDeps, input: PlaceOnBox): Promise<BoxState> {
  const place = await lookAtPlace(absoluteDir(input.dir, deps.env), deps.env);
  const { repo } = place;
  const about = { dir: place.dir, kind: place.kind, holds: place.holds };
  if (!repo || place.kind !== 'repo')
    return {
      ...about,
      objectFormat: repo?.objectFormat ?? 'sha1',
      head: null,
      clean: true,
      last: null,
      present: null,
      unsaved: null,
      bases: repo ? await readBases(repo) : [],
      lineEnds: { autocrlf: '', eol: '' },
    };
  await settleBefore(repo);
  const maxFileBytes = await deps.maxFileBytes(path.join(repo.root, input.inside));
  const { unsaved, present, facts } = await findUnsaved(repo, {
    clock: deps.clock,
    maxFileBytes,
    known: null,
  });
  const last = await readRef(repo, receivedNames(repo).last);
  return {
    ...about,
    objectFormat: repo.objectFormat,
    head: present.head,
    clean: present.files.length === 0,
    last: last === undefined ? null : await stateFacts(repo, await readSaved(repo, last)),
    present: facts,
    unsaved,
    bases: await readBases(repo),
    lineEnds: await readLineEnds(repo),
  };
}

async function readBases(repo: Repo): Promise<readonly string[]> {
  const args = [
    'for-each-ref',
    '--format=%(objectname)',
    '--sort=-committerdate',
    `--count=${mostBases}`,
    receivedRefs,
    'refs/heads',
    'refs/remotes',
  ];
  const out = await mustGit(repo, 'reading the branches', args);
  const head = await readRef(repo, 'HEAD');
  return [
    ...new Set([
      ...out.toString('latin1').split('\n').filter(Boolean),
      ...(head === undefined ? [] : [head]),
    ]),
  ];
}

/** How git converts line ends in a repository, whoever set it. */
export async function readLineEnds(repo: Repo): Promise<LineEnds> {
  const result = await git(repo, ['config', '--get-regexp', String.raw`^core\.(autocrlf|eol)$`]);
  const found = new Map(
    [...result.stdout.toString('utf8').matchAll(/^core\.(\S+) (.*)$/gm)].map(
      ([, name = '', value = '']): [string, string] => [name, value.trim()],
    ),
  );
  return { autocrlf: found.get('autocrlf') ?? '', eol: found.get('eol') ?? '' };
}
