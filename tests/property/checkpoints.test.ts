import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filesOf, makeRepo, stagedState, type TestRepo } from '../checkpoint/repo.ts';

const names = [
  'a.txt',
  'src/b.txt',
  'src/deep/c.txt',
  'new',
  'new/below',
  'src',
  'dé pôt/ü',
  'x.log',
  'ignored/y',
] as const;

type Step =
  | { readonly do: 'write'; readonly name: string; readonly text: string }
  | { readonly do: 'remove' | 'chmod' | 'link' | 'add' | 'unstage'; readonly name: string }
  | { readonly do: 'commit' | 'checkpoint' | 'undo' }
  | { readonly do: 'rollback'; readonly back: number };

const name = fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      name,
      text: fc.constantFrom('', 'one\n', 'two\r\n', 'three\n'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'remove' as const,
        'chmod' as const,
        'link' as const,
        'add' as const,
        'unstage' as const,
      ),
      name,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'checkpoint' as const, 'undo' as const) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('rollback' as const), back: fc.integer({ min: 1, max: 4 }) }),
  },
);

interface State {
  readonly files: Record<string, string>;
  readonly staged: string;
  readonly head: string;
}

const isIgnored = (file: string): boolean =>
  file.endsWith('.log') || file.startsWith('ignored/') || file === '.env';

async function look(t: TestRepo): Promise<State> {
  return {
    files: filesOf(t.dir, isIgnored),
    staged: await stagedState(t),
    head: await t.git('rev-parse', 'HEAD'),
  };
}

/** Makes room for a file: what is in the way goes, as a person would do it. */
function clear(t: TestRepo, file: string): string {
  const full = path.join(t.dir, file);
  const parents = file
    .split('/')
    .slice(0, -1)
    .map((_, n, parts) => parts.slice(0, n + 1).join('/'));
  for (const dir of parents) {
    const stat = lstatSync(path.join(t.dir, dir), { throwIfNoEntry: false });
    if (stat && !stat.isDirectory()) rmSync(path.join(t.dir, dir));
  }
  rmSync(full, { recursive: true, force: true });
  mkdirSync(path.dirname(full), { recursive: true });
  return full;
}

async function edit(t: TestRepo, one: Step): Promise<void> {
  if (one.do === 'write') writeFileSync(clear(t, one.name), one.text);
  else if (one.do === 'remove') t.remove(one.name);
  else if (one.do === 'link') symlinkSync('../outside', clear(t, one.name));
  else if (one.do === 'chmod') {
    const stat = existsSync(path.join(t.dir, one.name)) ? lstatSync(path.join(t.dir, one.name)) : undefined;
    if (stat?.isFile()) chmodSync(path.join(t.dir, one.name), stat.mode ^ 0o111);
  } else if (one.do === 'add') await t.git('add', '-A', '--', one.name).catch(() => '');
  else if (one.do === 'unstage')
    await t.git('rm', '-q', '-r', '--cached', '--ignore-unmatch', '--', one.name);
  else if (one.do === 'commit') await t.git('commit', '-q', '--allow-empty', '-m', 'Step');
}

test('[invariant 4] whatever is done, a rollback gives the checkpoint back and undo gives the present back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const t = await makeRepo();
      const saved: { tag: string; state: State }[] = [];
      const undone: State[] = [];
      for (const one of steps) {
        const before = await look(t);
        if (one.do === 'checkpoint') {
          const made = await t.checkpoint();
          expect(await look(t)).toEqual(before);
          if (made.created) saved.push({ tag: made.tag, state: before });
        } else if (one.do === 'rollback') {
          const target = saved.at(-one.back);
          if (!target) continue;
          const outcome = await t.rollBack({ target: target.tag, yes: true });
          const after = await look(t);
          expect(after.files).toEqual(target.state.files);
          expect(after.head).toBe(before.head);
          if (target.state.head === before.head) expect(after.staged).toBe(target.state.staged);
          if (outcome.undo !== null) undone.push(before);
        } else if (one.do === 'undo') {
          const expected = undone.pop();
          if (!expected) continue;
          await t.undo();
          const after = await look(t);
          expect(after.files).toEqual(expected.files);
          if (expected.head === after.head) expect(after.staged).toBe(expected.staged);
        } else await edit(t, one);
      }
      await t.git('fsck', '--strict', '--no-dangling');
    }),
    { numRuns: Number(process.env['DEVENV_PROPERTY_RUNS'] ?? 12), endOnFailure: false },
  );
}, 600_000);
