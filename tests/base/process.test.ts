import { expect, it } from 'vitest';
import { hasMark, listProcesses, run, sendSignal } from '../../src/base/index.ts';
import { until } from '../support/until.ts';

it('a program that does not end in time is given up, and what it left behind does not hold that back', async () => {
  const mark = `DEVENV_TEST_GIVEN_UP=${process.pid}`;
  const env = { ...process.env, DEVENV_TEST_GIVEN_UP: String(process.pid) };
  const left = async (): Promise<readonly number[]> =>
    (await listProcesses()).flatMap(({ pid }) => (pid !== process.pid && hasMark(pid, mark) ? [pid] : []));
  try {
    // It does not listen, and the sleep that it started has its output open.
    const result = await run(['sh', '-c', "trap '' TERM; echo begun; sleep 600; echo never"], {
      env,
      timeoutMs: 100,
    });
    expect(result).toMatchObject({ ok: false, reason: 'timeout', stdout: 'begun\n' });
  } finally {
    for (const pid of await left()) sendSignal(pid, 'SIGKILL');
  }
  await until('the sleep is gone', async () => (await left()).length === 0);
});
