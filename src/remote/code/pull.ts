import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, randomId, self } from '../../base/index.ts';
import { encodeHost, hostRefs, updateRefs } from '../../checkpoint/index.ts';
import { git, knownCommits, mustGit, ownDir, takePack, type Repo } from '../../git/index.ts';
import { callBox, type BoxLine } from './call.ts';
import { pulledCommits } from './send.ts';
import type { PlaceOnBox, Pulled, SendInput, Sent } from './types.ts';

export interface PullDeps {
  readonly repo: Repo;
  readonly line: BoxLine;
  /** How many bytes have come so far. */
  readonly onBytes: (bytes: number) => void;
}

export interface PullInput {
  readonly place: PlaceOnBox;
  /** Forgets what was brought before and is not there any more. */
  readonly prune: boolean;
}

/** What came from a box; names as they are there. */
export interface PulledNow {
  readonly dir: string;
  readonly checkpoints: readonly string[];
  readonly heads: readonly string[];
  /** The work tree there, and whether it is another one than the last time. */
  readonly present: Sent['present'] & { readonly changed: boolean };
  readonly pruned: readonly string[];
  /** Not there any more, and kept here. */
  readonly gone: readonly string[];
  readonly bytes: number;
}

/**
 * Brings a box's checkpoints, its present work tree and the branches with commits unknown here, as refs below
 * `refs/devenv/hosts/<host>/`. One exec. Nothing else here changes: no checkpoint, tag, branch or file.
 */
export async function pullCode(deps: PullDeps, input: PullInput): Promise<PulledNow> {
  const { repo, line } = deps;
  const prefix = `${hostRefs}${encodeHost(line.target.name)}/`;
  const before = await readPulled(repo, prefix);
  const asked: SendInput = {
    ...input.place,
    host: line.target.name,
    objectFormat: repo.objectFormat,
    pulled: before,
    own: await ownCommits(repo),
  };
  const { sent, bytes } = await fetchFrom(deps, asked);
  refuseStrange(sent, repo);
  const names = [...sent.gone.checkpoints, ...sent.gone.heads.map((name) => `heads/${name}`)];
  const pruned = input.prune ? names : [];
  await writeRefs(repo, prefix, { before, sent, pruned });
  return {
    dir: sent.dir,
    checkpoints: Object.keys(sent.checkpoints).toSorted(),
    heads: Object.keys(sent.heads).toSorted(),
    present: { ...sent.present, changed: sent.present.commit !== before.present },
    pruned,
    gone: input.prune ? [] : names,
    bytes,
  };
}

/** What was brought from a host before; a ref whose commit is gone counts as not there. */
async function readPulled(repo: Repo, prefix: string): Promise<Pulled> {
  const out = await mustGit(repo, 'reading what was brought', [
    'for-each-ref',
    '--format=%(objectname) %(refname)',
    prefix,
  ]);
  const rows = [...out.toString('utf8').matchAll(/^([0-9a-f]+) (.+)$/gm)].map(
    ([, oid = '', ref = '']): [string, string] => [ref.slice(prefix.length), oid],
  );
  return {
    checkpoints: Object.fromEntries(rows.filter(([name]) => name.startsWith('checkpoint-'))),
    heads: Object.fromEntries(
      rows
        .filter(([name]) => name.startsWith('heads/'))
        .map(([name, oid]) => [name.slice('heads/'.length), oid]),
    ),
    present: rows.find(([name]) => name === 'present')?.[1] ?? null,
  };
}

/** What the box says becomes names of refs here: a box that somebody took over must not name any others. */
function refuseStrange(sent: Sent, { objectFormat }: Pick<Repo, 'objectFormat'>): void {
  const oid = objectFormat === 'sha256' ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/;
  // git itself refuses what else is no name; these would be more than one word of its input.
  // oxlint-disable-next-line no-control-regex
  const strangeHead = /[\u0000-\u0020\u007F\\]|^[-/.]|\.\./;
  const rows = [...Object.entries(sent.checkpoints), ...Object.entries(sent.heads)];
  const strange =
    Object.keys(sent.checkpoints).some((name) => !/^checkpoint-[\w-]+$/.test(name)) ||
    Object.keys(sent.heads).some((name) => strangeHead.test(name)) ||
    [...rows.map(([, commit]) => commit), sent.present.commit].some((commit) => !oid.test(commit));
  if (strange)
    throw new DevenvError(
      'refused',
      'the box names refs that no devenv would make: nothing was taken from it',
      'look at git for-each-ref refs/heads refs/devenv/checkpoints there',
    );
}

const mostOwn = 500;

/** Commits that need not come: those of this repository's own refs, the newest first. */
async function ownCommits(repo: Repo): Promise<readonly string[]> {
  const out = await mustGit(repo, 'reading the branches', [
    'for-each-ref',
    '--format=%(objectname)',
    '--sort=-committerdate',
    `--count=${mostOwn}`,
    'refs/heads',
    'refs/remotes',
    'refs/devenv/pushed',
  ]);
  const head = await git(repo, ['rev-parse', '--verify', '--quiet', 'HEAD']);
  const lines = `${out.toString('latin1')}\n${head.stdout.toString('latin1')}`.split('\n').filter(Boolean);
  return [...new Set(lines)];
}

/** Asks, and takes in what comes. The pack goes through a file: a transport does not wait for a slow reader. */
async function fetchFrom(
  { repo, line, onBytes }: PullDeps,
  asked: SendInput,
): Promise<{ readonly sent: Sent; readonly bytes: number }> {
  const file = path.join(ownDir(repo), `stage-${self.pid}-${randomId()}`);
  const fd = openSync(file, 'wx+', 0o600);
  let header = '';
  let sent: Sent | undefined;
  let bytes = 0;
  const onStdout = (chunk: Buffer): void => {
    let rest = chunk;
    if (sent === undefined) {
      const end = chunk.indexOf(10);
      header += chunk.toString('latin1', 0, end < 0 ? chunk.length : end);
      if (end < 0 || header.startsWith('{"error"')) return;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the very same build
      sent = JSON.parse(Buffer.from(header, 'latin1').toString('utf8')) as Sent;
      rest = chunk.subarray(end + 1);
    }
    for (let at = 0; at < rest.length;) at += writeSync(fd, rest, at, rest.length - at, bytes + at);
    bytes += rest.length;
    onBytes(bytes);
  };
  try {
    await callBox(line, ['send'], { stdin: Buffer.from(JSON.stringify(asked)), onStdout });
    const whole: Sent | undefined = sent;
    if (whole === undefined)
      throw new DevenvError('lost', `${line.target.name}: no answer came`, 'run it again');
    const wants = pulledCommits({ ...whole, present: whole.present.commit });
    if (whole.pack) await takeIn(repo, file, wants);
    return { sent: whole, bytes };
  } finally {
    closeSync(fd);
    rmSync(file, { force: true });
  }
}

async function takeIn(repo: Repo, file: string, commits: readonly string[]): Promise<void> {
  // Opened anew: git reads from where the descriptor stands.
  const fd = openSync(file, 'r');
  try {
    await takePack(repo, fd, commits);
  } finally {
    closeSync(fd);
  }
}

async function writeRefs(
  repo: Repo,
  prefix: string,
  {
    before,
    sent,
    pruned,
  }: { readonly before: Pulled; readonly sent: Sent; readonly pruned: readonly string[] },
): Promise<void> {
  const wanted = [
    ...Object.entries(sent.checkpoints),
    ...Object.entries(sent.heads).map(([name, oid]): [string, string] => [`heads/${name}`, oid]),
    ...(sent.present.commit === before.present ? [] : [['present', sent.present.commit] as const]),
  ];
  const there = await knownCommits(
    repo,
    wanted.map(([, oid]) => oid),
  );
  // A branch `a` that became `a/b`: git holds only one of the two, and the box has the new one.
  const blocks = (old: string): boolean =>
    Object.keys(sent.heads).some((name) => name.startsWith(`${old}/`) || old.startsWith(`${name}/`));
  const inTheWay = Object.keys(before.heads)
    .filter(blocks)
    .map((name) => `heads/${name}`);
  const drop = [...new Set([...pruned, ...inTheWay])];
  const doing = 'noting what was brought';
  if (drop.length > 0)
    await updateRefs(
      repo,
      doing,
      drop.map((name) => `delete ${prefix}${name}`),
    );
  const lines = wanted
    .filter(([, oid]) => there.has(oid))
    .map(([name, oid]) => `update ${prefix}${name} ${oid}`);
  if (lines.length > 0) await updateRefs(repo, doing, lines);
}
