import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutKind } from '../support/announced.ts';
import { makeBox, type Box } from '../support/box.ts';
import { bothSides, hostCase, type HostCase } from '../support/host-code.ts';

let box: Box;
beforeAll(async () => {
  box = await makeBox();
});
afterAll(() => box.end());

const names = [
  'a.txt',
  'src/b.txt',
  'src',
  'src/deep/c.txt',
  'new/below',
  '.env',
  'x.log',
  '.gitignore',
  'dé/ü',
  '-rf',
  'it\'s "odd"\nname',
];

const edit = fc.record({
  name: fc.constantFrom(...names),
  to: fc.constantFrom('gone', 'one\n', 'two\r\n', '*.log\n.env\n', 'link', 'run', 'bytes'),
  stage: fc.constantFrom('no', 'yes', 'intent'),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

const round = fc.record({
  edits: fc.array(edit, { minLength: 1, maxLength: 8 }),
  then: fc.constantFrom('nothing', 'commit', 'amend', 'branch', 'detach'),
  later: fc.array(edit, { maxLength: 4 }),
});

async function doEdit(t: HostCase, { name, to, stage }: Edit): Promise<void> {
  const full = path.join(t.dir, name);
  const parts = name.split('/');
  for (let n = 1; n < parts.length; n++) {
    const dir = path.join(t.dir, ...parts.slice(0, n));
    if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(dir);
  }
  rmSync(full, { recursive: true, force: true });
  mkdirSync(path.dirname(full), { recursive: true });
  if (to === 'link') symlinkSync('a.txt', full);
  else if (to === 'bytes') writeFileSync(full, Buffer.from([0, 255, 13, 10, 26, 128, name.length]));
  else if (to !== 'gone') writeFileSync(full, to === 'run' ? 'run\n' : to);
  if (to === 'run') chmodSync(full, 0o755);
  if (stage === 'yes') await t.git('--literal-pathspecs', 'add', '-A', '--', name).catch(() => '');
  if (stage === 'intent') await t.git('--literal-pathspecs', 'add', '-N', '--', name).catch(() => '');
}

async function move(t: HostCase, how: string, n: number): Promise<void> {
  if (how === 'commit') await t.git('commit', '-q', '--allow-empty', '-m', `Step ${n}`);
  if (how === 'amend') await t.git('commit', '-q', '--allow-empty', '--amend', '-m', `Other ${n}`);
  if (how === 'branch') await t.git('switch', '-q', '-c', `feature/n${n}`);
  if (how === 'detach') await t.git('switch', '-q', '--detach');
}

const plain = <T extends { readonly staged: string }>(side: T): T => ({
  ...side,
  staged: withoutKind(side.staged),
});

test('any work tree arrives byte for byte, with the same staged state and the same status, again and again', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 3 }), async (rounds) => {
      const t = await hostCase({ box, path: `case-${count++}` });
      for (const [n, { edits, then, later }] of rounds.entries()) {
        for (const one of edits) await doEdit(t, one);
        await move(t, then, n);
        for (const one of later) await doEdit(t, one);
        await t.sure('host', 'push', 'box');
        const { here, there } = await bothSides(t);
        expect(plain(there)).toEqual(plain(here));
      }
      const again = JSON.parse(await t.sure('host', 'push', 'box', '--json'));
      expect(again).toMatchObject({ upToDate: true, written: [], deleted: [] });
    }),
    { numRuns: Number(process.env['DEVENV_PUSH_RUNS'] ?? 5) },
  );
}, 300_000);
