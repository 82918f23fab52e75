import { hostname } from 'node:os';
import { Transform } from 'node:stream';
import { DevenvError, randomId } from '../../base/index.ts';
import { encodeHost, holdState, pushedRefs, type Skipped, type Snapshot } from '../../checkpoint/index.ts';
import { isPartial, knownCommits, readRef, startPack, type Repo } from '../../git/index.ts';
import { askAftermath } from '../aftermath.ts';
import { callBox, type BoxLine } from './call.ts';
import { freshSettings, travelNotes, unconverted } from './local.ts';
import { foreignError, formatError, unbornError, unsavedError } from './receive.ts';
import { isSame, stateFacts } from './facts.ts';
import type { BoxState, PlaceOnBox, ReceiveInput, Received, StateFacts } from './types.ts';

export interface PushDeps {
  readonly repo: Repo;
  readonly line: BoxLine;
  /** How far it is: what is done, and how much of it in per cent. */
  readonly onProgress: (doing: string, percent: number) => void;
}

export interface PushInput {
  readonly place: PlaceOnBox;
  /** Also over work that is only there; it is kept there as an undo entry. */
  readonly force: boolean;
  readonly maxFileBytes: number;
}

/** What was sent, and what became of it. */
export interface Pushed {
  readonly sent: StateFacts;
  /** null: the box had all of it already. */
  readonly received: Received | null;
  /** Bytes of the pack. */
  readonly bytes: number;
  /** The link broke before the box could tell what it did; it was asked, and all is in place there. */
  readonly late: boolean;
  readonly dir: string;
  readonly notSent: readonly Skipped[];
  readonly notes: readonly string[];
}

/**
 * Sends the work tree as it is (HEAD, what is staged, what is changed and new; not what is ignored) to a box, and puts
 * it in place there. At most two execs. Throws 'refused' where that would replace work that is only there.
 */
export async function pushCode(deps: PushDeps, input: PushInput): Promise<Pushed> {
  const { repo, line } = deps;
  const before = await readRef(repo, pushedRef(line));
  // Both to their end: what is half written here would be left lying about.
  const [held, asked] = await Promise.allSettled([hold(deps, input), askState(line, input.place)]);
  if (asked.status === 'rejected') throw asked.reason;
  if (held.status === 'rejected') throw held.reason;
  const [now, state] = [held.value, asked.value];
  const sent = await stateFacts(repo, now);
  const heard = [state.head, state.last?.commit].filter((one) => typeof one === 'string');
  const known = await knownCommits(repo, [...state.bases, ...heard]);
  const knowsHead = state.head !== null && known.has(state.head);
  if (!input.force) refuseUnsaved(line, state, isSame(state.present, sent) || (knowsHead && state.clean));
  refuseMisfit(line, state, { repo, head: now.head });
  const there = state.kind === 'repo' ? state.lineEnds : null;
  const { leftOut, ...fresh } = await freshSettings(repo);
  const notes = [...(await travelNotes(repo, now, there)), ...remoteNotes(state, leftOut)];
  const about = { sent, dir: state.dir, notSent: now.skipped, notes };
  if (isSame(state.present, sent) && isSame(state.last, sent))
    return { ...about, received: null, bytes: 0, late: false };
  const wanted: ReceiveInput = {
    ...input.place,
    host: line.target.name,
    commit: now.commit,
    branch: now.branch,
    head: now.head,
    name: `the push from ${hostname()}`,
    force: input.force,
    known: knowsHead ? state.head : null,
    fresh,
  };
  const done = await transfer(deps, wanted, [...known]);
  const isOwn = state.last === null || state.last.commit === before || known.has(state.last.commit);
  return { ...about, ...done, notes: isOwn ? notes : [...notes, othersNote(line)] };
}

const pushedRef = ({ target }: BoxLine): string => pushedRefs + encodeHost(target.name);

const othersNote = ({ target: { name } }: BoxLine): string =>
  `what stood there had been pushed from another clone; devenv undo --host ${name} brings it back`;

async function hold({ repo, line }: PushDeps, { maxFileBytes }: PushInput): Promise<Snapshot> {
  return holdState(repo, {
    ref: pushedRef(line),
    subject: `devenv: sent to ${line.target.name}`,
    reason: 'push',
    now: line.clock.now(),
    maxFileBytes,
    raw: await unconverted(repo),
  });
}

async function askState(line: BoxLine, place: PlaceOnBox): Promise<BoxState> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the very same build
  return JSON.parse(await callBox(line, ['state', JSON.stringify(place)])) as BoxState;
}

function refuseUnsaved({ target: { name } }: BoxLine, state: BoxState, isOurs: boolean): void {
  if (state.kind === 'foreign')
    throw foreignError(
      { dir: `${name}:${state.dir}`, holds: state.holds },
      `name another path for this host; with --force the files there are kept as an undo entry first (devenv undo --host ${name})`,
    );
  if (state.unsaved === null || isOurs) return;
  throw unsavedError(state.unsaved, `on ${name} (${state.dir})`, name);
}

function refuseMisfit(
  { target: { name } }: BoxLine,
  state: BoxState,
  { repo, head }: { readonly repo: Repo; readonly head: string | null },
): void {
  if (state.kind !== 'repo') return;
  const dir = `${name}:${state.dir}`;
  if (state.objectFormat !== repo.objectFormat) throw formatError(dir, state.objectFormat, repo.objectFormat);
  if (head === null && state.head !== null) throw unbornError(dir);
}

const remoteNotes = (state: BoxState, leftOut: readonly string[]): readonly string[] =>
  state.kind === 'repo' || leftOut.length === 0
    ? []
    : [`the URL of ${leftOut.join(', ')} holds a user name or a secret: the box was not given it`];

/** Sends the pack. Where the link breaks, the box is asked what became of it. */
async function transfer(
  { repo, line, onProgress }: PushDeps,
  asked: ReceiveInput,
  haves: readonly string[],
): Promise<Pick<Pushed, 'received' | 'bytes' | 'late'>> {
  const partial = await isPartial(repo);
  const pack = startPack(repo, { wants: [asked.commit], haves, partial, onProgress });
  const counted = new Transform({
    transform(chunk: Buffer, _, next) {
      bytes += chunk.length;
      next(null, chunk);
    },
  });
  let bytes = 0;
  const record = randomId(8);
  try {
    // Not on the command line: a shallow clone may end in thousands of commits.
    const header = Buffer.from(JSON.stringify(asked));
    counted.push(header);
    const stdin = pack.stdout.pipe(counted);
    const answer = await callBox(line, ['receive', String(header.length)], { stdin, record });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the very same build
    return { received: JSON.parse(answer) as Received, bytes, late: false };
  } catch (error) {
    pack.stop();
    if (!(error instanceof DevenvError)) throw error;
    if (error.code === 'interrupted')
      throw new DevenvError(
        'interrupted',
        'interrupted',
        'nothing is half done on the box; running it again is safe',
      );
    if (error.code !== 'lost') throw error;
    // What git here complains of is the cause of a pack that ended too early there.
    const own = await packError(pack.done);
    if (own) throw own;
    return afterLoss(line, asked, { record, bytes, error });
  }
}

async function packError(done: Promise<void>): Promise<Error | undefined> {
  return done.then(
    () => undefined,
    (error: unknown) =>
      error instanceof DevenvError && !/without a word/.test(error.message) ? error : undefined,
  );
}

async function afterLoss(
  line: BoxLine,
  asked: ReceiveInput,
  { record, bytes, error }: { readonly record: string; readonly bytes: number; readonly error: DevenvError },
): Promise<Pick<Pushed, 'received' | 'bytes' | 'late'>> {
  await askAftermath(line, record, line);
  const state = await askState(line, asked);
  if (state.last?.commit === asked.commit) return { received: null, bytes, late: true };
  const { name } = line.target;
  throw new DevenvError(
    'lost',
    `${name}: the connection was lost before all was sent; nothing was changed there`,
    'run it again: what has arrived whole is not sent twice',
    error,
  );
}
