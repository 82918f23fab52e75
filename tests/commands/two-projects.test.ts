import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkpoint } from '../../src/commands/checkpoint.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { status } from '../../src/commands/status.ts';
import { makeRepo } from '../checkpoint/repo.ts';
import { testContext } from './context.ts';

test('what another project of the repository calls good is not this one’s last good checkpoint', async () => {
  const t = await makeRepo();
  const project = (name: string): string => {
    const dir = path.join(t.dir, name);
    mkdirSync(dir);
    writeFileSync(path.join(dir, 'state'), 'ok\n');
    writeFileSync(path.join(dir, 'devenv.yaml'), "suites: { unit: { command: 'grep -q ok state' } }\n");
    return dir;
  };
  const [a, b] = [project('a'), project('b')];
  await t.git('add', '-A');
  await t.git('commit', '-qm', 'Two projects');
  const env = t.repo.env;
  const kept = async (cwd: string) => {
    const { json, exit } = await checkpoint(testContext({ env, cwd, json: true }), { verify: true });
    const { tag, created } = json as { tag: string; created: boolean };
    return { tag, created, exit };
  };
  const lastGood = async (cwd: string) => {
    const { json } = await status(testContext({ env, cwd, json: true }), {
      all: false,
      verbose: false,
    } as never);
    return (json as { checkpoint: { lastGood: string | null } }).checkpoint.lastGood;
  };
  const goodOfA = await kept(a);
  expect(goodOfA).toMatchObject({ created: true });
  // The same tree, judged by other suites: other knowledge.
  const goodOfB = await kept(b);
  expect(goodOfB).toMatchObject({ created: true });
  writeFileSync(path.join(a, 'state'), 'bad\n');
  expect(await kept(a)).toMatchObject({ exit: 1 });
  const redInA = await kept(b);
  expect(redInA).toMatchObject({ created: true });
  expect(await lastGood(a)).toBe(goodOfA.tag);
  expect(await lastGood(b)).toBe(redInA.tag);
  const back = await rollback(testContext({ env, cwd: a, json: true }), { yes: true, dryRun: false });
  expect(back.json).toMatchObject({ to: goodOfA.tag });
});
