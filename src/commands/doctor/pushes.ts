import { DevenvError } from '../../base/index.ts';
import { git, listRefNames, mustGit, type Repo } from '../../git/index.ts';
import { fine, problem, type Check, type Examined, type Finding } from './check.ts';

const name = 'pushes';

/** What must not be sent, each by an example, and the refspec that holds it back (git 2.29). */
const ours = [
  {
    what: 'the tags of checkpoints',
    sample: 'refs/tags/checkpoint-20260102-030405',
    not: '^refs/tags/checkpoint-*',
  },
  {
    what: 'all checkpoints',
    sample: 'refs/devenv/checkpoints/checkpoint-20260102-030405',
    not: '^refs/devenv/*',
  },
] as const;

interface Leak {
  readonly message: string;
  readonly remedy: string;
  /** Refspecs that end it; none: only the user can. */
  readonly add: readonly { readonly key: string; readonly value: string }[];
}

/** Checkpoints are for this machine: does some setting send them with a push? */
export const pushes: Check = async (examined) => {
  const { repo, fix } = examined;
  if (!repo) return [];
  const tagless = isTagless(examined);
  const left = tagless ? (await listRefNames(repo, 'refs/tags/')).filter(isOurTag) : [];
  if (left.length > 0)
    return problem('warning', name, {
      message: `checkpoint.tags is none, but ${left.length} checkpoint-* tags are still there`,
      remedy: 'devenv prune removes them; the checkpoints stay',
    });
  const leaks = findLeaks(await readSettings(repo), tagless);
  if (leaks.length === 0) return harmless(tagless);
  const mended = fix ? leaks.filter(({ add }) => add.length > 0) : [];
  for (const { key, value } of mended.flatMap(({ add }) => add))
    await mustGit(repo, 'writing the configuration', ['config', '--add', key, value]);
  return [
    ...mended.map(({ add }) =>
      fine(
        name,
        `added ${add.map(({ key, value }) => `${key} ${value}`).join(', ')}: checkpoints stay here now`,
      ),
    ),
    ...leaks
      .filter((leak) => !mended.includes(leak))
      .map(({ message, remedy }) => problem('warning', name, { message, remedy })),
  ];
};

const isOurTag = (ref: string): boolean => /^refs\/tags\/checkpoint-\d{8}-\d{6}(-\d+)?$/.test(ref);

function isTagless({ project }: Examined): boolean {
  return !(project instanceof DevenvError) && project.config.checkpoint.tags === 'none';
}

function harmless(tagless: boolean): Finding {
  return tagless
    ? fine(name, 'checkpoints have no tags, so none are pushed (only git push --mirror would send them)')
    : fine(
        name,
        `git push leaves checkpoint-* tags here; git push --tags would send them, unless followed by a remote and '${ours[0].not}' (or with checkpoint.tags: none in devenv.yaml)`,
      );
}

async function readSettings(repo: Repo): Promise<readonly (readonly [key: string, value: string])[]> {
  const args = ['config', '-z', '--get-regexp', String.raw`^(remote\..*\.(push|mirror)|alias\..*)$`];
  const out = (await git(repo, args)).stdout.toString('utf8');
  return out
    .split('\0')
    .filter(Boolean)
    .map((row): [string, string] => {
      const end = row.indexOf('\n');
      // A key alone is a boolean that is true.
      return end < 0 ? [row, 'true'] : [row.slice(0, end), row.slice(end + 1)];
    });
}

/** Which settings send refs of devenv's, and how that is ended. */
export function findLeaks(
  settings: readonly (readonly [key: string, value: string])[],
  tagless: boolean,
): readonly Leak[] {
  const remotes = new Map<string, string[]>();
  const leaks: Leak[] = [];
  for (const [key, value] of settings) {
    const [, remote, what] = /^remote\.(.*)\.(push|mirror)$/s.exec(key) ?? [];
    if (remote !== undefined && what === 'push') remotes.set(remote, [...(remotes.get(remote) ?? []), value]);
    if (remote !== undefined && what === 'mirror' && /^(true|yes|on|1)$/i.test(value))
      leaks.push({
        message: `git push ${remote} sends all checkpoints (${key})`,
        remedy: `git config --unset ${key}, and push what is wanted: git config --add remote.${remote}.push 'refs/heads/*'`,
        add: [],
      });
    if (
      key.startsWith('alias.') &&
      /\bpush\b.*--(tags|mirror)\b/.test(value) &&
      !value.includes(ours[0].not)
    ) {
      const all = value.includes('--mirror');
      if (all || !tagless)
        leaks.push({
          message: `git ${key.slice('alias.'.length)} sends ${all ? 'all checkpoints' : 'the tags of checkpoints'} (${key}: ${value})`,
          remedy: all
            ? 'push branches instead: push --all'
            : `add a remote and '${ours[0].not}' to it, or set checkpoint.tags: none`,
          add: [],
        });
    }
  }
  for (const [remote, specs] of remotes) {
    const sent = ours.filter(({ sample }, n) => !(n === 0 && tagless) && sends(specs, sample));
    if (sent.length === 0) continue;
    const key = `remote.${remote}.push`;
    leaks.push({
      message: `git push ${remote} sends ${sent.map(({ what }) => what).join(' and ')} (${key}: ${specs.join(', ')})`,
      remedy: `${sent.map(({ not }) => `git config --add ${key} '${not}'`).join('; ')} (devenv doctor --fix does it)`,
      add: sent.map(({ not }) => ({ key, value: not })),
    });
  }
  return leaks;
}

function sends(specs: readonly string[], ref: string): boolean {
  const matches = (pattern: string): boolean => {
    const [before = '', after] = pattern.split('*');
    return after === undefined ? pattern === ref : ref.startsWith(before) && ref.endsWith(after);
  };
  const positive = specs
    .filter((spec) => !spec.startsWith('^'))
    .map((spec) => spec.replace(/^\+/, '').split(':')[0] ?? '');
  const negative = specs.filter((spec) => spec.startsWith('^')).map((spec) => spec.slice(1));
  return positive.some((source) => source !== '' && matches(source)) && !negative.some(matches);
}
