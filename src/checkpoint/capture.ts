import { createHash } from 'node:crypto';
import { DevenvError, systemClock } from '../base/index.ts';
import {
  diskPath,
  displayPath,
  forbiddenPart,
  git,
  hiddenEntries,
  readRef,
  readStatus,
} from '../git/index.ts';
import type { HiddenEntry, LookedAt, RawPath, Repo, Status, TrackedChange } from '../git/index.ts';
import { isDroppedAndGone, readAnnounced } from './announced.ts';
import { refuseHome } from './home.ts';
import { fileMark, innerMark, mostInner } from './marks.ts';
import { blobId, readDiskFile } from './read-file.ts';
import type { DiskFile } from './read-file.ts';
import type { Capture, CapturedFile, CaptureOptions, SkippedFile } from './capture-types.ts';

export type { Capture, CapturedFile, CaptureOptions, SkippedFile } from './capture-types.ts';

const memoryLimit = 64 * 1024 * 1024;
/** File times move on in ticks of up to 10 ms: so long after a change, another one can leave them as they are. */
const tickMs = 15;
const settleRounds = 10;
const headMoves = 10;
const headPause = 60;

/** Reads the work tree. Nothing is written, no lock is taken, no file's time changes. */
export async function capture(repo: Repo, options: CaptureOptions): Promise<Capture> {
  refuseHome(repo);
  for (let attempt = 0; attempt < headMoves; attempt++) {
    // The index file is read while git looks at the work tree.
    const looking = attempt === 0 && options.status ? options.status : readStatus(repo);
    // node:crypto takes milliseconds to load: better now than when git has answered.
    createHash(repo.objectFormat);
    const [status, hidden] = await Promise.all([looking, hiddenEntries(repo)]);
    const now = (await readRef(repo, 'HEAD')) ?? null;
    // A commit in the middle of `git status`: what it compared is not what it said.
    if (now === status.head) return read(repo, status, hidden, options);
    if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, headPause));
  }
  throw new DevenvError(
    'environment',
    'HEAD moved all the time while the work tree was read',
    'try again when the other git command is done',
  );
}

interface Reading {
  readonly repo: Repo;
  readonly options: CaptureOptions;
  readonly files: Map<RawPath, CapturedFile>;
  readonly deleted: Set<RawPath>;
  readonly skipped: SkippedFile[];
  inner: number;
  partial: boolean;
  bytes: number;
  trustModes: boolean | undefined;
  /** Files that changed at the very moment they were read, and how to read them once more. */
  fresh: Map<RawPath, () => Promise<void>>;
}

async function read(
  repo: Repo,
  status: Status,
  hidden: readonly LookedAt[],
  options: CaptureOptions,
): Promise<Capture> {
  const reading: Reading = {
    repo,
    options,
    files: new Map(),
    deleted: new Set(),
    skipped: [],
    inner: 0,
    partial: status.warned,
    bytes: 0,
    trustModes: undefined,
    fresh: new Map(),
  };
  for (const raw of status.unreadable) skip(reading, { raw, reason: 'this folder cannot be read', mark: '' });
  if (status.warned && status.unreadable.length === 0)
    skip(reading, { raw: '', reason: 'a folder cannot be read', mark: '' });
  const announced = await readAnnounced(repo, status);
  for (const change of status.tracked)
    if (!announced.gone.has(change.path)) await readTracked(reading, change);
  for (const name of status.untracked) {
    const forbidden = forbiddenPart(name.replace(/\/$/, ''));
    if (forbidden !== undefined) skipName(reading, forbidden);
    else if (name.endsWith('/'))
      await skipInner(reading, { raw: name.slice(0, -1), reason: 'a git repository of its own' });
    else await readUntracked(reading, name);
  }
  for (const entry of hidden) await readHidden(reading, entry);
  for (const name of options.include ?? []) if (!reading.files.has(name)) await readUntracked(reading, name);
  await settle(reading);
  const staged = status.tracked
    .filter((change) => change.xy[0] !== '.')
    .map((c) => ({
      path: c.path,
      mode: isDroppedAndGone(c) ? '000000' : c.indexMode,
      oid: c.indexOid,
      headMode: c.headMode,
      headOid: c.headOid,
    }));
  const { files, deleted, skipped, partial } = reading;
  const asHead = ({ path, headMode, headOid }: TrackedChange): boolean => {
    const file = files.get(path);
    return file?.stat?.isFile() === true && file.oid === headOid && file.mode === headMode;
  };
  // Asked for by name because git ignores it, it may be in HEAD all the same, and as it is there.
  const asked = (options.include ?? []).filter((name) => files.get(name)?.stat?.isFile() === true);
  const unseen = hidden.filter((entry) => entry.intent);
  const gone = unseen.filter((entry) => entry.mode !== '100644' && deleted.has(entry.path));
  const found = {
    head: status.head,
    branch: status.branch,
    files: [...files.values()],
    deleted: [...deleted],
    staged,
    intended: [...announced.all, ...unseen.map((entry) => entry.path)],
    intendedModes: { ...announced.modes, ...Object.fromEntries(gone.map(({ path, mode }) => [path, mode])) },
    raw: [...new Set([...status.tracked.filter(asHead).map((change) => change.path), ...asked])],
    skipped,
    partial,
    unmerged: status.tracked.some((change) => change.unmerged),
  };
  return { ...found, key: keyOf(found) };
}

// A write that goes on while a file is read shows in its times only when it began in a later tick. So what changed
// just now is read again, when that tick is over.
async function settle(reading: Reading): Promise<void> {
  for (let n = 0; n < settleRounds && reading.fresh.size > 0; n++) {
    await new Promise((resolve) => setTimeout(resolve, tickMs));
    const again = reading.fresh;
    reading.fresh = new Map();
    for (const [name, readAgain] of again) {
      reading.bytes -= reading.files.get(name)?.content?.length ?? 0;
      reading.files.delete(name);
      await readAgain();
    }
  }
}

function readNow(reading: Reading, name: RawPath, readAgain: () => Promise<void>): DiskFile {
  const begun = systemClock.now();
  const file = readDiskFile(diskPath(reading.repo.root, name), reading.options.maxFileBytes);
  const ended = systemClock.now();
  // A clock that differs from that of the disk is no reason to wait for ever.
  const isFresh = (ctimeMs: number): boolean => ctimeMs > begun - tickMs && ctimeMs < ended + tickMs;
  if (file.kind === 'file' && isFresh(Number(file.stat.ctimeMs))) reading.fresh.set(name, readAgain);
  return file;
}

async function readTracked(reading: Reading, change: TrackedChange): Promise<void> {
  if (change.sub.startsWith('S') || change.diskMode === '160000') return readSubmodule(reading, change);
  const file = readNow(reading, change.path, () => readTracked(reading, change));
  if (file.kind === 'absent' || file.kind === 'folder') {
    reading.deleted.add(change.path);
    return;
  }
  // The mode as git sees it: with core.fileMode=false the disk's own says nothing.
  const seen = change.diskMode === '100755' || change.diskMode === '100644' ? change.diskMode : undefined;
  await keep(reading, change.path, file, seen);
  if ('why' in file) markChanged(reading, change.path);
}

async function readUntracked(reading: Reading, name: RawPath): Promise<void> {
  const file = readNow(reading, name, () => readUntracked(reading, name));
  if (file.kind === 'absent' || file.kind === 'folder') return; // gone since git saw it
  await keep(reading, name, file, undefined);
}

async function readHidden(reading: Reading, entry: LookedAt): Promise<void> {
  if (entry.mode === '160000' || reading.files.has(entry.path)) return;
  const file = readNow(reading, entry.path, () => readHidden(reading, entry));
  if (file.kind === 'absent' || file.kind === 'folder') {
    if (!entry.keptOff) reading.deleted.add(entry.path);
    return;
  }
  const mode = 'content' in file ? await hiddenMode(reading, entry, file) : entry.mode;
  // Of what is only announced, HEAD holds nothing.
  const same =
    'content' in file && !entry.intent && blobId(file.content, reading.repo.objectFormat) === entry.oid;
  if (!same || mode !== entry.mode) await keep(reading, entry.path, file, mode);
}

/** What git would say of its mode, had it looked. */
async function hiddenMode(
  reading: Reading,
  entry: HiddenEntry,
  file: Extract<DiskFile, { readonly kind: 'file' | 'link' }>,
): Promise<string> {
  if (file.kind === 'link') return '120000';
  const mode = file.executable ? '100755' : '100644';
  if (mode === entry.mode || (await trustsModes(reading))) return mode;
  return entry.mode === '120000' ? '100644' : entry.mode;
}

async function keep(
  reading: Reading,
  name: RawPath,
  file: DiskFile,
  seen: string | undefined,
): Promise<void> {
  if (!('content' in file)) {
    if ('why' in file)
      skip(reading, { raw: name, reason: file.why, mark: fileMark(diskPath(reading.repo.root, name)) });
    if (file.kind === 'unreadable' || file.kind === 'changing') reading.partial = true;
    return;
  }
  const mode =
    file.kind === 'link'
      ? '120000'
      : (seen ?? (file.executable && (await trustsModes(reading)) ? '100755' : '100644'));
  reading.bytes += file.content.length;
  const content = reading.bytes <= memoryLimit ? file.content : undefined;
  reading.files.set(name, {
    path: name,
    mode,
    oid: blobId(file.content, reading.repo.objectFormat),
    content,
    stat: file.stat,
  });
}

async function trustsModes(reading: Reading): Promise<boolean> {
  reading.trustModes ??=
    (await git(reading.repo, ['config', '--type=bool', 'core.fileMode'])).stdout.toString().trim() !==
    'false';
  return reading.trustModes;
}

async function readSubmodule(reading: Reading, change: TrackedChange): Promise<void> {
  if (change.diskMode === '000000') {
    reading.deleted.add(change.path);
    return;
  }
  if (/[MU]/.test(change.sub.slice(2))) {
    await skipInner(reading, { raw: change.path, reason: 'changes inside the submodule' });
    markChanged(reading, change.path);
  }
  let oid = change.indexOid;
  if (change.sub[1] === 'C') {
    const result = await git(reading.repo, ['-C', displayPath(change.path), 'rev-parse', 'HEAD']);
    if (result.ok) oid = result.stdout.toString('latin1').trim();
  }
  if (/^0+$/.test(oid)) return;
  reading.files.set(change.path, { path: change.path, mode: '160000', oid, content: undefined });
}

function skip(reading: Reading, left: Pick<SkippedFile, 'raw' | 'reason' | 'mark'>): void {
  const path = left.raw === '' ? '.' : displayPath(left.raw);
  reading.skipped.push({ ...left, path, changed: false });
}

function skipName(reading: Reading, raw: RawPath): void {
  if (reading.skipped.at(-1)?.raw !== raw)
    skip(reading, { raw, reason: 'a name that git does not allow', mark: '' });
}

async function skipInner(reading: Reading, left: Pick<SkippedFile, 'raw' | 'reason'>): Promise<void> {
  const looks = reading.inner++ < mostInner;
  skip(reading, { ...left, mark: looks ? await innerMark(reading.repo, left.raw) : '' });
}

function markChanged(reading: Reading, raw: RawPath): void {
  const at = reading.skipped.findIndex((one) => one.raw === raw);
  const found = reading.skipped[at];
  if (found) reading.skipped[at] = { ...found, changed: true };
}

function keyOf(found: Omit<Capture, 'key'>): string {
  const hash = createHash('sha256').update(`${found.head} ${found.branch}`);
  for (const file of found.files) hash.update(`\0M${file.mode}${file.oid}${file.path}`, 'latin1');
  for (const name of found.deleted) hash.update(`\0D${name}`, 'latin1');
  for (const entry of found.staged) hash.update(`\0I${entry.mode}${entry.oid}${entry.path}`, 'latin1');
  for (const name of found.intended) hash.update(`\0N${found.intendedModes[name] ?? ''}${name}`, 'latin1');
  for (const skip of found.skipped) hash.update(`\0S${skip.mark} ${skip.raw}`, 'latin1');
  return hash.digest('hex');
}
