import { DevenvError, installLine } from '../../base/index.ts';
import type { FoundNode, Probe } from './probe.ts';

/** What would be sent, and the machine that sends it. */
export interface Build {
  /** Version and hash: what must be there, exactly. */
  readonly id: string;
  /** The node this program runs with, and how big its file is. */
  readonly node: { readonly version: string; readonly path: string; readonly bytes: number };
  readonly os: string;
  readonly arch: string;
  readonly libc: Probe['libc'];
}

/** Where the node comes from that devenv runs with on the box. */
export type NodeSource =
  | { readonly kind: 'there'; readonly path: string; readonly version: string }
  /** The very file this program runs with. */
  | { readonly kind: 'own'; readonly name: string; readonly version: string; readonly file: string }
  /** A package of the npm registry that holds it. */
  | { readonly kind: 'npm'; readonly name: string; readonly version: string; readonly packageName: string };

/** What is to be done so that a build runs on a box. */
export type InstallPlan =
  | { readonly kind: 'ready'; readonly node: string }
  | { readonly kind: 'install'; readonly node: NodeSource };

/** The least version of Node that devenv runs with (as in package.json). */
export const leastNode = [22, 22] as const;

/** Roughly what a node needs, packed and unpacked. */
const runtimeKb = { packed: 46_000, unpacked: 124_000 };
/** A node that is smaller takes most of itself from libraries of its system: it would not run elsewhere. */
const wholeNodeBytes = 40e6;
/** A build, packed and unpacked; the packed form is not made before it is known to be needed. */
const buildKb = { packed: 300, unpacked: 4000 };
const inodesNeeded = 64;

/**
 * What must happen on a box for a build to run there. Throws why it cannot: `unsupported`, `noexec`, `disk-full`,
 * `missing-tool`, `environment`. `force`: even when it is there already.
 */
export function planInstall(name: string, probe: Probe, build: Build, force = false): InstallPlan {
  if (probe.ready !== undefined && !force) return { kind: 'ready', node: probe.ready };
  refuseBadPlace(name, probe);
  const node = chooseNode(name, probe, build);
  refuseFullDisk(name, probe, node);
  if (!['sha256sum', 'shasum', 'openssl'].some((tool) => probe.tools[tool] !== undefined))
    throw new DevenvError(
      'missing-tool',
      `${name} has none of sha256sum, shasum, openssl: what is sent could not be checked`,
      'install coreutils there',
    );
  return { kind: 'install', node };
}

/** Whether a version of Node will do. */
export function isEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
}

function refuseBadPlace(name: string, { unwritable, noexec, where, data, home, mount }: Probe): void {
  const elsewhere = `on ${name}: mkdir -p DIR && ln -s DIR ${data}, with a DIR on another disk (or set XDG_DATA_HOME for ssh sessions there)`;
  if (noexec !== undefined)
    throw new DevenvError(
      'noexec',
      `${name}: nothing can be executed in ${where} (${mount} is mounted noexec)`,
      elsewhere,
    );
  if (unwritable === undefined) return;
  if (/No space left|quota/i.test(unwritable)) throw full(name, where, unwritable);
  throw new DevenvError(
    'environment',
    `${name}: cannot write to ${where}: ${unwritable}`,
    where === home || home.startsWith(`${where}/`) ? `make the home writable, or ${elsewhere}` : elsewhere,
  );
}

/** No room on the box: `why` is what the box said. */
export function full(name: string, where: string, why: string): DevenvError {
  const quota = /quota/i.test(why);
  return new DevenvError(
    'disk-full',
    `${name}: ${quota ? 'your quota is used up' : 'no space left'} in ${where}${quota ? '' : ` (${why})`}; nothing was installed`,
    quota ? 'free some of your files there, then run it again' : 'free some space there, then run it again',
  );
}

/** The newest that is there, if one is new enough; else one is sent. */
function chooseNode(name: string, probe: Probe, build: Build): NodeSource {
  const [best] = probe.nodes.filter(({ version }) => isEnough(version)).toSorted(newestFirst);
  if (best) return { kind: 'there', path: best.path, version: best.version };
  const { os, arch, libc } = probe;
  const old = probe.nodes.toSorted(newestFirst)[0];
  const has = old ? `its newest Node is ${old.version} (${old.path})` : 'it has no Node';
  const byHand = installLine(os === 'darwin' ? { id: 'darwin', like: [] } : probe.release, ['node']);
  if (os === 'linux' && libc === 'musl')
    throw new DevenvError(
      'unsupported',
      `${name}: ${has}, devenv needs ${leastNode.join('.')} or newer, and there is none to send to a system with musl (${probe.release.name || 'unknown'})`,
      `install it there: ${installLine(probe.release, ['node', 'tmux', 'git']) ?? 'nodejs, tmux and git'}`,
    );
  const { version } = build.node;
  const runtime = { name: `node-${version}-${os}-${arch}`, version };
  const whole = build.node.bytes >= wholeNodeBytes;
  // A Linux that does not tell its C library is taken at its word: what is sent is tried there.
  const fits = libc === build.libc || (os === 'linux' && libc === 'other' && build.libc === 'glibc');
  if (whole && os === build.os && arch === build.arch && fits)
    return { kind: 'own', ...runtime, file: build.node.path };
  if (os === 'linux' && /^(x64|arm64)$/.test(arch))
    return { kind: 'npm', ...runtime, packageName: `node-linux-${arch}` };
  throw new DevenvError(
    'unsupported',
    `${name}: ${has}, devenv needs ${leastNode.join('.')} or newer, and there is none to send to ${os} on ${arch}`,
    `install it there${byHand ? `: ${byHand}` : ' (https://nodejs.org)'}`,
  );
}

function newestFirst(a: FoundNode, b: FoundNode): number {
  const [left, right] = [a, b].map(({ version }) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const order = (right?.[i] ?? 0) - (left?.[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

function refuseFullDisk(name: string, probe: Probe, node: NodeSource): void {
  const sentKb = buildKb.packed + (node.kind === 'there' ? 0 : runtimeKb.packed);
  const unpackedKb = buildKb.unpacked + (node.kind === 'there' ? 0 : runtimeKb.unpacked);
  // Three times what is sent, or what it becomes beside the packed form, whatever is more.
  const needKb = Math.max(3 * sentKb, sentKb + unpackedKb);
  if (probe.freeKb !== undefined && probe.freeKb < needKb)
    throw full(name, probe.where, `${mb(needKb)} needed, ${mb(probe.freeKb)} free on ${probe.mount}`);
  if (probe.freeInodes !== undefined && probe.freeInodes < inodesNeeded)
    throw full(name, probe.where, `no inodes left: ${probe.freeInodes} free on ${probe.mount}`);
}

const mb = (kb: number): string => `${(kb / 1024).toFixed(1)} MB`;
