import { describe, expect, test } from 'vitest';
import { exactState, makeRepo } from '../checkpoint/repo.ts';

describe('rules of what is ignored that change', () => {
  test('[invariant 6] what was ignored then stays, when the rule that ignored it is put back', async () => {
    const t = await makeRepo();
    t.write('.gitignore', '.env\nlogs/\n');
    t.write('ui/.gitignore', 'build\n');
    await t.git('add', '-A');
    await t.git('commit', '-q', '-m', 'Rules');
    for (const file of ['.env', 'logs/a.log', 'ui/build/x.js', 'ui/build/:odd']) t.write(file, `${file}\n`);
    const good = await t.checkpoint();
    t.remove('ui/.gitignore');
    t.write('.gitignore', '');
    t.write('new.txt', 'not ignored by any of them\n');
    const before = await exactState(t);
    const back = await t.rollBack({ target: good.tag });
    expect(back).toMatchObject({ deleted: ['new.txt'], kept: [] });
    for (const file of ['.env', 'logs/a.log', 'ui/build/x.js', 'ui/build/:odd'])
      expect(t.read(file)).toBe(`${file}\n`);
    expect(await t.git('status', '--porcelain')).toBe('');
    await t.undo();
    expect(await exactState(t)).toEqual(before);
    // Nor does it go when it was staged or committed since; that HEAD has it now is said.
    await t.git('add', 'logs/a.log');
    const staged = await exactState(t);
    expect((await t.rollBack({ target: good.tag })).deleted).toEqual(['new.txt']);
    expect(await t.git('status', '--porcelain')).toBe('');
    await t.undo();
    expect(await exactState(t)).toEqual(staged);
    await t.git('commit', '-q', '-a', '-m', 'A log');
    const committed = await exactState(t);
    expect(await t.rollBack({ target: good.tag })).toMatchObject({
      deleted: ['new.txt'],
      kept: [{ path: 'logs/a.log', reason: 'ignored then' }],
    });
    await t.undo();
    expect(await exactState(t)).toEqual(committed);
    expect(await t.rollBack({ target: good.tag, head: true })).toMatchObject({ kept: [] });
    expect(t.read('logs/a.log')).toBe('logs/a.log\n');
    await t.undo();
    expect(await exactState(t)).toEqual(committed);
    // But one that was tracked then, and missing, was missing.
    await t.git('rm', '-q', '--cached', 'logs/a.log');
    await t.git('add', '-f', 'ui/build/x.js');
    t.remove('ui/build/x.js');
    const without = await t.checkpoint();
    t.write('ui/build/x.js', 'again\n');
    expect((await t.rollBack({ target: without.tag })).deleted).toEqual(['ui/build/x.js']);
  });

  test.each([
    ['.gitignore', 'x\n'],
    ['.git/info/exclude', 'x\n'],
  ])('[invariant 6] undo takes away what the rollback wrote, though %s ignores it', async (file, rule) => {
    const t = await makeRepo();
    t.write('x', 'x\n');
    t.write('d/x', 'x below\n');
    const early = await t.checkpoint();
    t.remove('x');
    t.remove('d');
    t.write('d', 'a file by now\n');
    t.write(file, file === '.gitignore' ? `${t.read(file)}${rule}` : rule);
    const before = await exactState(t);
    await t.rollBack({ target: early.tag });
    const after = await exactState(t);
    expect(t.read('d/x')).toBe('x below\n');
    await t.undo();
    expect(await exactState(t)).toEqual(before);
    await t.redo();
    expect(await exactState(t)).toEqual(after);
    await t.undo();
    expect(await exactState(t)).toEqual(before);
  });

  test('[invariant 6] an ignored file that a folder of ignored ones replaced comes back', async () => {
    const t = await makeRepo();
    t.write('x/f', '1\n');
    const early = await t.checkpoint();
    t.remove('x');
    t.write('x', 'precious\n');
    t.write('.git/info/exclude', 'x\n');
    const before = await exactState(t);
    await t.rollBack({ target: early.tag });
    expect(t.read('x/f')).toBe('1\n');
    await t.undo();
    expect(await exactState(t)).toEqual(before);
  });

  test('[invariant 14] undo works where a folder that the rollback wrote is a submodule by now', async () => {
    const t = await makeRepo();
    t.write('x/f', '1\n');
    const early = await t.checkpoint();
    t.remove('x');
    await t.rollBack({ target: early.tag });
    t.remove('x');
    await t.git('-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', (await makeRepo()).dir, 'x');
    t.write('x/f', 'of the submodule\n');
    await t.undo();
    expect(t.read('x/f')).toBe('of the submodule\n');
  });

  test('an empty list of paths is no list of all of them', async () => {
    const t = await makeRepo();
    await t.checkpoint();
    await expect(t.rollBack({ paths: [] })).rejects.toMatchObject({
      code: 'usage',
      message: 'no path stands behind --',
    });
  });

  test('[invariant 6] undo leaves a file that was ignored before, though the rollback took the rule away', async () => {
    const t = await makeRepo();
    const early = await t.checkpoint();
    t.write('.gitignore', '*.tmp\nmade\n');
    t.write('x.tmp', 'x\n');
    t.write('made/of/it', 'm\n');
    const before = await exactState(t);
    for (let n = 0; n < 2; n++) {
      await t.rollBack({ target: early.tag });
      expect(await t.git('status', '--porcelain')).toBe('?? made/\n?? x.tmp');
      await t.undo();
      expect(await exactState(t)).toEqual(before);
    }
  });
});
