import type { Skipped } from '../../checkpoint/index.ts';

/** What both sides must agree on; how one asks and the other answers. Both are of the same build, so it has no version. */
export interface PlaceOnBox {
  /** The folder of the repository there, as people write it: `~/shop`. */
  readonly dir: string;
  /** The project's folder within it; '' is the repository itself. */
  readonly inside: string;
}

/** Where a work tree is: branch, commit, and the trees that tell what it holds. */
export interface StateFacts {
  readonly commit: string;
  readonly tree: string;
  /** The tree of what is staged. */
  readonly staged: string;
  readonly head: string | null;
  /** null: HEAD is detached. */
  readonly branch: string | null;
  /** Paths announced with `git add -N`, as bytes; before one that is gone its mode, unless it was a plain file. */
  readonly intended: readonly string[];
}

/** Work on the box that is nowhere else. */
export interface Unsaved {
  /** Paths that differ, the first ones; and how many in all. */
  readonly files: readonly string[];
  readonly count: number;
  readonly staged: boolean;
  /** Commits made there, newest first, as `1a2b3c4 Subject`. */
  readonly commits: readonly string[];
  /** Another branch is checked out there than was sent. */
  readonly branch: string | null;
}

/** What the folder on the box is. */
export interface BoxState {
  /** Absolute. */
  readonly dir: string;
  /** `foreign`: there are files, and it is no repository. */
  readonly kind: 'absent' | 'empty' | 'foreign' | 'repo';
  /** Files of a foreign folder, the first ones. */
  readonly holds: readonly string[];
  readonly objectFormat: 'sha1' | 'sha256';
  readonly head: string | null;
  /** Nothing differs from HEAD there. */
  readonly clean: boolean;
  /** What was sent there last. */
  readonly last: StateFacts | null;
  /** The present there; null where there is no repository. */
  readonly present: StateFacts | null;
  /** Differs from everything that was sent there; null: nothing does. */
  readonly unsaved: Unsaved | null;
  /** Commits that need not be sent again. */
  readonly bases: readonly string[];
  /** How git converts line ends there; '' where that is not set. */
  readonly lineEnds: LineEnds;
}

/** `core.autocrlf` and `core.eol`. */
export interface LineEnds {
  readonly autocrlf: string;
  readonly eol: string;
}

/** What a repository that is new on the box is given besides. */
export interface FreshSettings {
  readonly objectFormat: 'sha1' | 'sha256';
  readonly lineEnds: LineEnds;
  readonly remotes: readonly { readonly name: string; readonly url: string }[];
  /** What is ignored here without a file in the tree that says so. */
  readonly excludes: string;
  /** Where the history ends in a shallow clone. */
  readonly shallow: readonly string[];
}

/** Asks the box to take in the pack that follows this document on standard input, and to put a state in place. */
export interface ReceiveInput extends PlaceOnBox {
  /** What the asker calls this box. */
  readonly host: string;
  readonly commit: string;
  readonly branch: string | null;
  readonly head: string | null;
  /** What it is called in the list of undo. */
  readonly name: string;
  readonly force: boolean;
  /** The commit that the box was at, where the sender knows it. */
  readonly known: string | null;
  readonly fresh: FreshSettings;
}

/** What came of it. */
export interface Received {
  readonly dir: string;
  /** The repository was made for it. */
  readonly created: boolean;
  readonly written: readonly string[];
  readonly deleted: readonly string[];
  readonly kept: readonly Skipped[];
  readonly staged: boolean;
  readonly head: boolean;
  /** The ref there that keeps what was there before; null: nothing was changed. */
  readonly undo: string | null;
  readonly restarted: readonly string[];
  readonly restartError: string | null;
  readonly warnings: readonly string[];
}

/** Names with the commits they are at. */
export type Refs = Readonly<Record<string, string>>;

/** What was brought from a box before. */
export interface Pulled {
  readonly checkpoints: Refs;
  readonly heads: Refs;
  readonly present: string | null;
}

/** Asks the box for its checkpoints. */
export interface SendInput extends PlaceOnBox {
  /** What the asker calls this box. */
  readonly host: string;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly pulled: Pulled;
  /** Commits that the asker has by itself. */
  readonly own: readonly string[];
}

/** What the box has; a pack follows when anything of it is new. */
export interface Sent {
  readonly dir: string;
  /** New ones, or at another commit. */
  readonly checkpoints: Refs;
  readonly heads: Refs;
  /** Brought before, and not there any more. */
  readonly gone: { readonly checkpoints: readonly string[]; readonly heads: readonly string[] };
  /** The work tree there. */
  readonly present: StateFacts & { readonly files: number; readonly skipped: readonly Skipped[] };
  /** Whether a pack follows. */
  readonly pack: boolean;
}
