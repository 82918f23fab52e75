import { DevenvError, randomId } from '../base/index.ts';
import {
  diskPath,
  isWhole,
  packNames,
  packsWent,
  quotePath,
  setRef,
  startImport,
  waitForOwnRef,
} from '../git/index.ts';
import type { Importer, Repo } from '../git/index.ts';
import type { Capture, CapturedFile } from './capture.ts';
import { blobId, readDiskFile } from './read-file.ts';

/** The id of a tree without entries; git knows it without an object. */
export const emptyTree = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/** What to write, and where to keep it. */
export interface WriteInput {
  readonly ref: string;
  /** Also points this tag at it. */
  readonly tag?: string | undefined;
  /** The ref may exist and be moved. */
  readonly force?: boolean;
  /** A commit whose tree makes a new one needless when it is the same. */
  readonly unless?: string | undefined;
  readonly message: (tree: string) => string;
  /** Seconds since 1970 of the commits. */
  readonly seconds: number;
  readonly maxFileBytes: number;
}

export interface Written {
  readonly tree: string;
  readonly commit: string;
  readonly staged: string;
  /** 'same': `unless` already has the tree, nothing was kept; 'taken': the ref came into being meanwhile. */
  readonly outcome: 'written' | 'same' | 'taken';
}

/**
 * Writes a capture as a commit shaped like a stash (parents HEAD and the staged tree) and moves the refs,
 * in one stream to one process. Objects are on the disk before a ref names them.
 */
export async function writeCapture(repo: Repo, found: Capture, input: WriteInput): Promise<Written> {
  for (let attempt = 1; ; attempt++) {
    const packs = packNames(repo);
    try {
      const written = await writeOnce(repo, found, input);
      // fast-import leaves out what a pack holds already; where that pack went meanwhile, it may be nowhere now.
      if (!packsWent(repo, packs) || (await isWhole(repo, written.commit, found.head))) return written;
      return await writeOnce(repo, found, { ...input, force: true, unless: undefined });
    } catch (error) {
      if (attempt === tries || !isSwept(error)) throw error;
    }
  }
}

const tries = 5;

/** `git prune --expire=now` of the user's takes away even the pack that is just being written. */
function isSwept(error: unknown): boolean {
  return (
    error instanceof DevenvError &&
    /cannot store pack|unable to write file|No such file or directory|object not found/.test(error.message)
  );
}

async function writeOnce(repo: Repo, found: Capture, input: WriteInput): Promise<Written> {
  const stream = startImport(repo, { force: input.force ?? false });
  try {
    const written = await feed(stream, repo, found, input);
    // Forgets the branch within the stream; a ref of that name, made by somebody else just now, stays.
    if (written.outcome === 'same') await stream.write(`reset ${input.ref}\n\n`);
    const { ref, tag, force } = input;
    const pair = { ref, tag, commit: written.commit, force: force ?? false };
    const { moved } = await stream.finish(written.outcome === 'same' ? undefined : pair);
    if (moved || written.outcome === 'same') return written;
    if (force) {
      // Another process of ours moves the same ref in this moment: the later one has it.
      await waitForOwnRef(repo, ref);
      await setRef(repo, {
        ref,
        from: undefined,
        to: written.commit,
        doing: 'saving a checkpoint',
      });
      return written;
    }
    return { ...written, outcome: 'taken' };
  } catch (error) {
    await stream.abort();
    throw error;
  }
}

// The staged commit carries both trees: the work tree is built in it first and asked for its id, then
// the root is set back to HEAD's and the staged paths are put on it. So no commit is written in vain.
async function feed(stream: Importer, repo: Repo, found: Capture, input: WriteInput): Promise<Written> {
  const who = `committer devenv <devenv@localhost> ${input.seconds} +0000\n`;
  const base = found.head === null ? '' : `from ${found.head}\n`;
  const asks = [found.head, input.unless]
    .filter((commit) => typeof commit === 'string')
    .map((commit) => `ls ${commit} ""\n`);
  // A word of its own, or two processes in one second would write the same pack, which git refuses the second one.
  const title = `index ${randomId(8)}`;
  await stream.write(
    `${asks.join('')}commit ${input.ref}\nmark :1\n${who}data ${title.length}\n${title}\n${base}`,
  );
  await writeFiles(stream, repo, found, input.maxFileBytes);
  await stream.write('ls ""\n');
  const headTree = found.head === null ? emptyTree[repo.objectFormat] : parseTree(await stream.line(), repo);
  const known = input.unless === undefined ? undefined : parseTree(await stream.line(), repo);
  const tree = parseTree(await stream.line(), repo);
  const same = tree === known;
  await stream.write(
    `${rootCommand(headTree)}${found.staged.map(stagedLine).join('')}\nget-mark :1\n${same ? '' : workTreeCommit(found, input, tree, who)}`,
  );
  const staged = await stream.line();
  return same
    ? { tree, staged, commit: input.unless ?? '', outcome: 'same' }
    : { tree, staged, commit: await stream.line(), outcome: 'written' };
}

function workTreeCommit(found: Capture, input: WriteInput, tree: string, who: string): string {
  const text = Buffer.from(input.message(tree));
  const parents = found.head === null ? 'from :1\n' : `from ${found.head}\nmerge :1\n`;
  const tag = input.tag === undefined ? '' : `reset ${input.tag}\nfrom :2\n\n`;
  return `commit ${input.ref}\nmark :2\n${who}data ${text.length}\n${text.toString('latin1')}\n${parents}${rootCommand(tree)}\nget-mark :2\n${tag}`;
}

async function writeFiles(stream: Importer, repo: Repo, found: Capture, maxBytes: number): Promise<void> {
  // Deletions first: a file may stand where a folder was.
  await stream.write(found.deleted.map((name) => `D ${quotePath(name)}\n`).join(''));
  let pending: Buffer[] = [];
  let size = 0;
  for (const file of found.files) {
    const chunks = fileCommand(repo, file, maxBytes);
    pending.push(...chunks);
    size += chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (size < 512 * 1024) continue;
    await stream.write(Buffer.concat(pending));
    pending = [];
    size = 0;
  }
  await stream.write(Buffer.concat(pending));
}

function fileCommand(repo: Repo, file: CapturedFile, maxBytes: number): Buffer[] {
  const name = quotePath(file.path);
  if (file.mode === '160000') return [Buffer.from(`M 160000 ${file.oid} ${name}\n`, 'latin1')];
  const content = file.content ?? readAgain(repo, file, maxBytes);
  return [
    Buffer.from(`M ${file.mode} inline ${name}\ndata ${content.length}\n`, 'latin1'),
    content,
    Buffer.from('\n'),
  ];
}

// Too much for the memory: read a second time. What changed in between makes the whole snapshot void.
function readAgain(repo: Repo, file: CapturedFile, maxBytes: number): Buffer {
  const again = readDiskFile(diskPath(repo.root, file.path), maxBytes);
  if ('content' in again && blobId(again.content, repo.objectFormat) === file.oid) return again.content;
  throw new DevenvError(
    'environment',
    'files changed while they were saved',
    'try again; nothing was changed',
  );
}

function rootCommand(tree: string): string {
  return Object.values(emptyTree).includes(tree) ? 'deleteall\n' : `M 040000 ${tree} ""\n`;
}

function stagedLine(entry: Capture['staged'][number]): string {
  return entry.mode === '000000'
    ? `D ${quotePath(entry.path)}\n`
    : `M ${entry.mode} ${entry.oid} ${quotePath(entry.path)}\n`;
}

function parseTree(line: string, repo: Repo): string {
  const [, oid] = /^040000 tree ([0-9a-f]+)/.exec(line) ?? [];
  if (oid !== undefined) return oid;
  // A root without a file is answered so.
  if (line.startsWith('missing')) return emptyTree[repo.objectFormat];
  throw new DevenvError('internal', `git fast-import answered: ${line}`);
}
