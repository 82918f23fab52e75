import { expect, test } from 'vitest';
import { checkpoint } from '../../src/commands/checkpoint.ts';
import { gate } from '../../src/commands/gate.ts';
import { test as runTests } from '../../src/commands/test.ts';
import { makeProject } from '../support/project.ts';
import { testEnv } from '../support/temp.ts';
import { testContext } from './context.ts';

const projectWith = async (command: string) => {
  const env = testEnv();
  const cwd = await makeProject(env, {
    files: {
      'devenv.yaml': `suites: { u: { command: ${JSON.stringify(command)} } }\ngates: { tests: { suites: u } }\n`,
    },
  });
  return testContext({ env, cwd });
};

test('a suite that only ends with a status: no test is invented, and what it said is shown', async () => {
  const ctx = await projectWith('echo one; echo two; exit 3');
  const tested = await runTests(ctx, { suites: [] });
  expect(tested.exit).toBe(1);
  expect(tested.text).toMatch(/^u failed \(exit 3\) in .*\nthe end of u's output:\none\ntwo\nfailed in /);
  const kept = await checkpoint(ctx, { verify: true });
  expect(kept.exit).toBe(1);
  expect(kept.text).toMatch(
    /^no checkpoint: .*u failed \(exit 3\) \(after .*\)\nthe end of u's output:\none\ntwo\n/,
  );
  expect(kept.text).toContain('\nall of the output shows: devenv test -v u\n');
  expect((await gate(ctx, { names: [] })).text).toContain('u failed (exit 3)');
});

test('one that says nothing at all', async () => {
  const ctx = await projectWith('exit 3');
  expect((await runTests(ctx, { suites: [] })).text).toMatch(
    /^u failed \(exit 3\) in .*\n {2}u: no output\nfailed in /,
  );
});

test('a failed test that is named goes on being named', async () => {
  const ctx = await projectWith(
    "printf '%s\\n' 'test adds ... FAILED' 'test result: FAILED. 3 passed; 1 failed;'; exit 1",
  );
  expect((await runTests(ctx, { suites: [] })).text).toMatch(/^u failed 1 of 4 tests in .*\n {2}adds: /);
  expect((await checkpoint(ctx, { verify: true })).text).toMatch(/^no checkpoint: u: adds \(failed after /);
});
