import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { blobId } from '../../src/checkpoint/index.ts';
import { applySteps, ChangedMeanwhile, type DoneStep } from '../../src/rollback/apply.ts';
import { goBack } from '../../src/rollback/go-back.ts';
import { makeStage } from '../../src/rollback/stage.ts';
import { createFile, lookAt, replaceFile, takeAway } from '../../src/rollback/swap.ts';
import { makeRepo, type TestRepo } from '../checkpoint/repo.ts';
import { tempDir } from '../support/temp.ts';

/** Carries out steps from what is there to what is given (null: deleted); `onDone` is somebody else, in between. */
function apply(
  t: TestRepo,
  to: Readonly<Record<string, string | null>>,
  onDone: (file: string) => void,
): { readonly stage: string; readonly done: DoneStep[]; readonly error: unknown } {
  const stage = makeStage(t.repo);
  const id = (text: string): string => blobId(Buffer.from(text), t.repo.objectFormat);
  const steps = Object.entries(to).map(([file, text], n) => {
    if (text !== null) writeFileSync(path.join(stage, String(n)), text);
    const there = lookAt(path.join(t.dir, file)) !== null;
    return {
      path: file,
      before: there ? { mode: '100644', oid: id(t.read(file)) } : null,
      after: text === null ? null : { mode: '100644', oid: id(text) },
      staged: text === null ? '' : id(text),
      blob: null,
    };
  });
  const stats = steps.map((step) => lookAt(path.join(t.dir, step.path)));
  const done: DoneStep[] = [];
  try {
    applySteps(t.repo, { stage, present: 'from', target: 'to' }, steps, stats, (one) => {
      done.push(one);
      onDone(one.step.path);
    });
  } catch (error) {
    return { stage, done, error };
  }
  return { stage, done, error: undefined };
}

test('[invariant 5] taken back, what was edited after its turn stays as it is and is named; all else returns as it was', async () => {
  const t = await makeRepo({
    files: { a: 'a now\n', b: 'b now\n', c: 'c now\n', gone: 'gone now\n', z: 'z now\n' },
  });
  const before = statSync(path.join(t.dir, 'b'), { bigint: true });
  const { stage, done, error } = apply(
    t,
    { a: 'a then\n', b: 'b then\n', made: 'made\n', gone: null, z: 'z then\n' },
    (file) => {
      if (file !== 'a') return;
      t.write('a', 'a then\nedited since\n');
      appendFileSync(path.join(t.dir, 'z'), 'edited too\n');
    },
  );
  expect(error).toBeInstanceOf(ChangedMeanwhile);
  expect(await goBack(t.repo, { stage, present: 'from' }, done)).toEqual(['a']);
  expect(t.read('a')).toBe('a then\nedited since\n');
  expect(t.read('z')).toBe('z now\nedited too\n');
  expect([t.read('b'), t.read('gone')]).toEqual(['b now\n', 'gone now\n']);
  expect(readdirSync(t.dir)).not.toContain('made');
  // The very file, not a copy of it.
  expect(statSync(path.join(t.dir, 'b'), { bigint: true })).toMatchObject({
    ino: before.ino,
    mtimeNs: before.mtimeNs,
  });
});

test('[invariant 5] who has a file open and writes to it after it was replaced stops the rollback, and the write is there', async () => {
  const t = await makeRepo({ files: { a: 'a now\n', b: 'b now\n' } });
  const fd = openSync(path.join(t.dir, 'a'), 'a');
  const { stage, done, error } = apply(t, { a: 'a then\n', b: null }, (file) => {
    if (file === 'a') writeSync(fd, 'late\n');
  });
  closeSync(fd);
  expect(error).toBeInstanceOf(ChangedMeanwhile);
  expect(await goBack(t.repo, { stage, present: 'from' }, done)).toEqual([]);
  expect([t.read('a'), t.read('b')]).toEqual(['a now\nlate\n', 'b now\n']);
});

test('written to under both its old and its new self: both are kept', async () => {
  const t = await makeRepo({ files: { a: 'a now\n' } });
  const fd = openSync(path.join(t.dir, 'a'), 'a');
  const { stage, done } = apply(t, { a: 'a then\n' }, () => {
    writeSync(fd, 'late\n');
    t.write('a', 'newer\n');
  });
  closeSync(fd);
  const left = await goBack(t.repo, { stage, present: 'from' }, done);
  expect(left).toEqual(['a', expect.stringContaining('a.devenv-kept-')]);
  expect(left.map((file) => t.read(file))).toEqual(['newer\n', 'a now\nlate\n']);
});

test('a file in place of a folder and back, with somebody putting a file in that folder', async () => {
  const t = await makeRepo({ files: { swap: 'a file\n', z: 'z\n' } });
  const { stage, done } = apply(t, { swap: null, 'swap/inside': 'in\n' }, (file) => {
    if (file === 'swap/inside') t.write('swap/other', 'mine\n');
  });
  expect(await goBack(t.repo, { stage, present: 'from' }, done)).toEqual(['swap']);
  expect(t.read('swap/other')).toBe('mine\n');
});

test('neither replacing nor deleting nor creating touches another file than the one that was looked at', () => {
  const dir = tempDir('swap');
  const at = (name: string): string => path.join(dir, name);
  const target = Buffer.from(at('file'));
  writeFileSync(at('file'), 'one');
  const then = lookAt(target);
  if (then === null) throw new Error('there is a file');
  // Saved as editors do: a new file takes the name.
  writeFileSync(at('saved'), 'two');
  renameSync(at('saved'), at('file'));
  writeFileSync(at('new'), 'three');
  expect(replaceFile(target, at('new'), then, at('aside'))).toBe(false);
  expect(takeAway(target, then, at('aside'))).toBe(false);
  expect(createFile(target, at('new'))).toBe(false);
  expect(readFileSync(at('file'), 'utf8')).toBe('two');
  expect(readdirSync(dir).sort()).toEqual(['file', 'new']);
});

test('what was deleted comes back with the permissions it had, and so do its folders', async () => {
  const t = await makeRepo();
  const { tag } = await t.checkpoint();
  mkdirSync(path.join(t.dir, 'private'), { mode: 0o700 });
  for (const [file, mode] of [
    ['private/key', 0o600],
    ['private/run', 0o700],
    ['read-only', 0o444],
  ] as const)
    writeFileSync(path.join(t.dir, file), file, { mode });
  await t.rollBack({ target: tag });
  expect(readdirSync(t.dir)).not.toContain('private');
  await t.undo();
  const modes = ['private', 'private/key', 'private/run', 'read-only'].map(
    (file) => statSync(path.join(t.dir, file)).mode & 0o777,
  );
  expect(modes).toEqual([0o700, 0o600, 0o700, 0o444]);
});
