import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';
import { withoutKind } from '../support/announced.ts';

const names = [
  'a.txt',
  'src/b.txt',
  'src',
  'src/deep/c.txt',
  'new',
  'new/below',
  '.env',
  'x.log',
  '.gitignore',
  '.git/info/exclude',
  'dé/ü',
];

/** One edit of one path; what is in its way goes. */
const edit = fc.record({
  name: fc.constantFrom(...names),
  to: fc.constantFrom('gone', 'one\n', 'two\n', '*.log\n.env\n', 'link', 'run'),
  stage: fc.constantFrom('no', 'yes', 'intent', 'force'),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

async function doEdit(t: TestRepo, { name, to, stage }: Edit): Promise<void> {
  const full = path.join(t.dir, name);
  const parts = name.split('/');
  for (let n = 1; n < parts.length; n++) {
    const dir = path.join(t.dir, ...parts.slice(0, n));
    if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(dir);
  }
  rmSync(full, { recursive: true, force: true });
  mkdirSync(path.dirname(full), { recursive: true });
  if (to === 'link') symlinkSync('a.txt', full);
  else if (to !== 'gone') writeFileSync(full, to === 'run' ? 'run\n' : to);
  if (to === 'run') chmodSync(full, 0o755);
  if (stage === 'yes') await t.git('add', '-A', '--', name).catch(() => '');
  if (stage === 'force') await t.git('add', '-A', '-f', '--', name).catch(() => '');
  if (stage === 'intent') await t.git('add', '-N', '--', name).catch(() => '');
}

interface Change {
  readonly written: readonly string[];
  readonly deleted: readonly string[];
}

/** What really happened between two looks at the disk, ignored files included. */
function difference(before: Record<string, string>, after: Record<string, string>): Change {
  const utf8 = (all: string[]): string[] => all.map((one) => Buffer.from(one, 'latin1').toString()).sort();
  return {
    written: utf8(Object.keys(after).filter((file) => after[file] !== before[file])),
    deleted: utf8(Object.keys(before).filter((file) => !(file in after))),
  };
}

test('[invariant 34] a dry run says exactly what then happens, whole or by paths, there and back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(edit, { minLength: 1, maxLength: 8 }),
      fc.array(edit, { minLength: 1, maxLength: 8 }),
      fc.option(
        fc.subarray(
          names.filter((name) => !name.startsWith('.git/')),
          { minLength: 1 },
        ),
      ),
      fc.boolean(),
      async (then, now, paths, commits) => {
        const t = await makeRepo();
        for (const one of then) await doEdit(t, one);
        const { tag } = await t.checkpoint();
        if (commits) await t.git('commit', '-q', '--allow-empty', '-m', 'More');
        for (const one of now) await doEdit(t, one);
        const look = async () => ({ files: filesOf(t.dir), staged: withoutKind(await stagedState(t)) });
        const before = await look();
        const input = { target: tag, ...(paths ? { paths } : {}) };
        const attempt = async (dryRun: boolean): Promise<Change & { error?: string }> => {
          try {
            const { written, deleted } = await t.rollBack({ ...input, dryRun });
            return { written, deleted };
          } catch (error) {
            return { written: [], deleted: [], error: String(error) };
          }
        };
        const said = await attempt(true);
        expect(await look()).toEqual(before);
        const told = await attempt(false);
        expect(told).toEqual(said);
        const after = await look();
        expect(difference(before.files, after.files)).toEqual({
          written: said.written,
          deleted: said.deleted,
        });
        if (JSON.stringify(after) === JSON.stringify(before)) return;
        const undone = await t.undo();
        expect(await look()).toEqual(before);
        expect(difference(after.files, before.files)).toEqual({
          written: undone.written,
          deleted: undone.deleted,
        });
        await t.redo();
        expect(await look()).toEqual(after);
      },
    ),
    { numRuns: Number(process.env['DEVENV_PROPERTY_RUNS'] ?? 18), endOnFailure: false },
  );
}, 600_000);
