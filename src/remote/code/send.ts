import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, standardStreams } from '../../base/index.ts';
import { checkpointRefs, snapshot } from '../../checkpoint/index.ts';
import { git, gitError, knownCommits, mustGit, startPack, type Repo } from '../../git/index.ts';
import { absoluteDir, lookAtPlace } from './place.ts';
import { formatError } from './receive.ts';
import { stateFacts } from './facts.ts';
import type { BoxDeps } from './state.ts';
import type { Pulled, Refs, SendInput, Sent } from './types.ts';

/** Standard input, on which the other side says what it has. */
const askInput = 0;

/**
 * Sends what the other side lacks: a line of JSON that says what there is, then a pack where something is new. The
 * present is looked at as a snapshot does it, so nothing changes here.
 */
export async function send(deps: BoxDeps): Promise<void> {
  // A broken link shows at each write, which tells it; without a listener it would be a crash as well.
  standardStreams().stdout.on('error', () => {});
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the very same build
  const input = JSON.parse(readFileSync(askInput, 'utf8')) as SendInput;
  const { dir, repo } = await lookAtPlace(absoluteDir(input.dir, deps.env), deps.env);
  if (!repo)
    throw new DevenvError(
      'no-repo',
      `${dir} is no git repository`,
      `devenv host push ${input.host} sends one there`,
    );
  if (repo.objectFormat !== input.objectFormat) throw formatError(dir, repo.objectFormat, input.objectFormat);
  const maxFileBytes = await deps.maxFileBytes(path.join(repo.root, input.inside));
  const now = await snapshot(repo, { now: deps.clock.now(), maxFileBytes, purpose: 'look' });
  const { pulled } = input;
  const checkpoints = await refsUnder(repo, checkpointRefs);
  const heads = await refsUnder(repo, 'refs/heads/');
  const wantedHeads = await ownHeads(repo, heads, input);
  const wants = {
    checkpoints: changed(checkpoints, pulled.checkpoints),
    heads: changed(wantedHeads, pulled.heads),
    present: now.commit === pulled.present ? [] : [now.commit],
  };
  const commits = [...Object.values(wants.checkpoints), ...Object.values(wants.heads), ...wants.present];
  const haves = await havesHere(repo, input);
  const unsent = commits.filter((commit) => !haves.has(commit));
  const answer: Sent = {
    dir,
    checkpoints: wants.checkpoints,
    heads: wants.heads,
    gone: { checkpoints: missing(pulled.checkpoints, checkpoints), heads: missing(pulled.heads, heads) },
    present: { ...(await stateFacts(repo, now)), files: now.files.length, skipped: now.skipped },
    pack: unsent.length > 0,
  };
  await writeAll(Buffer.from(`${JSON.stringify(answer)}\n`));
  if (unsent.length > 0) await sendPack(repo, unsent, [...haves]);
}

const missing = (there: Refs, here: Refs): string[] =>
  Object.keys(there).filter((name) => !Object.hasOwn(here, name));

const changed = (here: Refs, there: Refs): Refs =>
  Object.fromEntries(Object.entries(here).filter(([name, commit]) => there[name] !== commit));

async function refsUnder(repo: Repo, prefix: string): Promise<Refs> {
  const out = await mustGit(repo, 'reading what there is', [
    'for-each-ref',
    '--format=%(objectname) %(objecttype) %(refname)',
    prefix,
  ]);
  const rows = out.toString('utf8').matchAll(/^([0-9a-f]+) commit (.+)$/gm);
  return Object.fromEntries([...rows].map(([, oid = '', ref = '']) => [ref.slice(prefix.length), oid]));
}

/** Branches with commits that the other side has not by itself, and those that were brought before. */
async function ownHeads(repo: Repo, heads: Refs, { own, pulled }: SendInput): Promise<Refs> {
  const tips = Object.values(heads);
  if (tips.length === 0) return {};
  const known = await knownCommits(repo, own);
  const input = [...tips, ...[...known].map((oid) => `^${oid}`), ''].join('\n');
  const result = await git(repo, ['rev-list', '--stdin'], { input });
  if (!result.ok) throw gitError('reading the branches', result.stderr);
  const unknown = new Set(result.stdout.toString('latin1').split('\n'));
  return Object.fromEntries(
    Object.entries(heads).filter(([name, tip]) => unknown.has(tip) || Object.hasOwn(pulled.heads, name)),
  );
}

async function havesHere(repo: Repo, { own, pulled }: SendInput): Promise<ReadonlySet<string>> {
  return knownCommits(repo, [...new Set([...own, ...pulledCommits(pulled)])]);
}

/** All commits that were brought before. */
export function pulledCommits({ checkpoints, heads, present }: Pulled): readonly string[] {
  return [...Object.values(checkpoints), ...Object.values(heads), ...(present === null ? [] : [present])];
}

async function sendPack(repo: Repo, wants: readonly string[], haves: readonly string[]): Promise<void> {
  const pack = startPack(repo, { wants, haves });
  try {
    for await (const chunk of pack.stdout as AsyncIterable<Buffer>) await writeAll(chunk);
    await pack.done;
  } finally {
    pack.stop();
  }
}

/** Waits until the other side took it; rejects when it is gone. */
function writeAll(bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    standardStreams().stdout.write(bytes, (error) => (error ? reject(gone(error)) : resolve()));
  });
}

const gone = (error: Error): DevenvError =>
  new DevenvError('lost', 'the other side is gone', 'run it again', error);
