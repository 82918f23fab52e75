import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { listCheckpoints } from '../../src/checkpoint/index.ts';
import { loadProject } from '../../src/config/index.ts';
import { openRepo } from '../../src/git/index.ts';
import { until } from '../support/until.ts';
import { testProject, type TestProject } from '../verify/support.ts';
import { startWatching, type Watching } from './support.ts';

const soon = 'checkpoint: { every: 1s, quiet: 1s, on_failure: reset }\n';
const passing = `suites: { unit: { command: "true" } }\n${soon}`;
const failing = `suites: { unit: { command: "false" } }\n${soon}`;
const mistaken = `suites: { unit: { comand: x } }\n${soon}`;
const mistake = 'devenv.yaml:1:19: unknown key "comand" in suites.unit (did you mean "command"?)';

/** A watcher of a project whose configuration is in its files. */
async function watching(files: Readonly<Record<string, string>>): Promise<Watching & { t: TestProject }> {
  const t = testProject({ suites: [], files: { 'a.txt': 'a\n', ...files } });
  const project = await loadProject({ cwd: t.root, env: t.env });
  return startWatching({ suites: [], on: { ...t, project } });
}

const tagged = async (w: Watching) => listCheckpoints(await openRepo({ cwd: w.t.root, env: w.t.env }));
const firstTag = (w: Watching) => until('a tag', () => w.decisions().includes('tagged'));
const notes = (w: Watching) => w.view().notes.join('\n');
const fact = (w: Watching) => w.t.store.getValue(w.t.project.id, 'checkpointer');

describe('the configuration changes while it is watched', () => {
  test('[invariant 32] what follows is judged by the new one; a tree that fails under its own configuration is never tagged', async () => {
    await using w = await watching({ 'devenv.yaml': passing });
    await firstTag(w);
    w.t.write('devenv.yaml', failing);
    await until('red', () => w.verdicts().at(-1) === 'failed');
    expect(w.events).toContainEqual({
      kind: 'note',
      text: 'the configuration changed: everything is tested anew',
    });
    // `false` fails on the good checkpoint too: it is kept.
    await until('the decision', () => w.decisions().at(-1) === 'kept');
    expect(await tagged(w)).toHaveLength(1);
    w.t.write('devenv.yaml', `${passing}# again\n`);
    await until('a second tag', () => w.decisions().filter((kind) => kind === 'tagged').length === 2);
  });

  test('another suite, another list of what is watched: it is what runs', async () => {
    await using w = await watching({ 'devenv.yaml': passing });
    await w.verdictAfter(0);
    w.t.write('devenv.yaml', `suites: { other: { command: grep -q a a.txt } }\n`);
    await until('the other suite', () =>
      w.view().suites.some((one) => one.state === 'passed' && one.name === 'other'),
    );
    expect(w.view().suites).toHaveLength(1);
  });

  test('with a mistake in it nothing is judged, tagged or reset; the mistake is shown, and it goes on when there is none', async () => {
    await using w = await watching({ 'devenv.yaml': passing });
    await firstTag(w);
    w.t.write('devenv.yaml', mistaken);
    await until('the mistake', () => notes(w).includes(mistake));
    expect(w.view().phase).toBe('halted');
    expect(fact(w)).toMatchObject({ why: expect.stringContaining(mistake), pid: process.pid });
    const [verdicts, decisions] = [w.verdicts().length, w.decisions().length];
    // Neither by an event nor by a key.
    w.t.write('a.txt', 'edited\n');
    for (const key of ['a', 'f', 'c', 'p']) w.press(key);
    w.t.write('devenv.yaml', mistaken.replace('comand', 'comnd'));
    await until('the other mistake', () => notes(w).includes('"comnd"'));
    expect(w.verdicts()).toHaveLength(verdicts);
    expect(w.decisions()).toHaveLength(decisions);
    expect(await tagged(w)).toHaveLength(1);
    w.t.write('devenv.yaml', passing);
    await until('a tag again', async () => (await tagged(w)).length === 2);
    expect(notes(w)).not.toContain('comand');
    w.press('q');
    expect(await w.ended).toBe('quit');
  });

  test('without a suite it stays, says what to write, and runs the suite that is added', async () => {
    await using w = await watching({ 'devenv.yaml': 'name: shop\n' });
    await until('it is said', () => notes(w).includes('there is no suite'));
    expect(notes(w)).toContain('add one to devenv.yaml, as suites: { unit: { command: npm test } }');
    expect(w.view().phase).toBe('halted');
    expect(fact(w)).toMatchObject({
      why: expect.stringContaining('there is no suite; add one'),
      pid: process.pid,
    });
    w.t.write('devenv.yaml', passing.replace('unit:', 'unit: { on: demand, command: x }, other:'));
    expect(await w.verdictAfter(0)).toBe('passed');
    w.t.write('devenv.yaml', 'suites: { unit: { on: demand, command: x } }\n');
    await until('none is watched', () => notes(w).includes('no suite is to be watched'));
    w.press('q');
    expect(await w.ended).toBe('quit');
  });

  test('while there is a mistake, r puts the last good checkpoint back, and q quits', async () => {
    await using w = await watching({ 'devenv.yaml': passing });
    await firstTag(w);
    w.t.write('devenv.yaml', mistaken);
    await until('the mistake', () => w.view().phase === 'halted');
    w.press('r');
    await until('it goes on', () => w.view().phase === 'idle' && w.verdicts().at(-1) === 'passed');
    w.t.write('devenv.yaml', mistaken);
    await until('the mistake', () => w.view().phase === 'halted');
    w.press('q');
    expect(await w.ended).toBe('quit');
    expect(fact(w)).toEqual({ why: 'devenv watch is not running' });
  });

  test('files of it that git ignores count, and a pause outlives the change', async () => {
    await using w = await watching({
      'devenv.yaml': `suites: { unit: { command: 'test "$MODE" = good' } }\nenv_file: .env\n`,
      '.gitignore': '.env\ndevenv.local.yaml\n',
      '.env': 'MODE=good\n',
    });
    expect(await w.verdictAfter(0)).toBe('passed');
    w.t.write('.env', 'MODE=bad\n');
    await until('red', () => w.verdicts().at(-1) === 'failed');
    w.press('p');
    const count = w.verdicts().length;
    w.t.write('devenv.local.yaml', 'env: { MODE: good }\n');
    await until(
      'the change',
      () =>
        w.events.filter((one) => one.kind === 'note' && one.text.includes('configuration changed')).length ===
        2,
    );
    await until('the pause', () => w.view().phase === 'paused');
    expect(w.verdicts()).toHaveLength(count);
    w.press('p');
    await until('green', () => w.verdicts().at(-1) === 'passed');
  });

  test('a suite that writes its own configuration is not run over and over', async () => {
    await using w = await watching({
      'devenv.yaml':
        'suites: { unit: { command: "date +A=%s%N > .env" } }\nenv_file: { path: .env, optional: true }\n',
      '.gitignore': '.env\n',
    });
    await until('the pause', () => notes(w).includes('the configuration changes all the time'));
    writeFileSync(path.join(w.t.root, 'devenv.yaml'), passing);
    await until('green', () => w.verdicts().at(-1) === 'passed');
  });
});
