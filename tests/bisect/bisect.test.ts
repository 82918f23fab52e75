import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectId, stateDir } from '../../src/base/index.ts';
import { snapshot } from '../../src/checkpoint/index.ts';
import { openStore, takeLock } from '../../src/store/index.ts';
import { bisect } from '../../src/commands/bisect.ts';
import { makeRepo, visibleState } from '../checkpoint/repo.ts';
import { testContext } from '../commands/context.ts';
import { config, makeLine, type Line } from './support.ts';

/** Nothing is left of a bisect: no state, no ref, no scratch work tree. */
async function expectNothingLeft({ t }: Line): Promise<void> {
  const state = stateDir(t.env);
  expect(readdirSync(path.join(state, 'bisect'))).toEqual([]);
  expect(readdirSync(path.join(state, 'scratch'))).toEqual([]);
  expect(await t.git('for-each-ref', 'refs/devenv/bisect')).toBe('');
  expect((await t.git('worktree', 'list')).split('\n').filter((line) => line.includes('scratch'))).toEqual(
    [],
  );
}

describe('over checkpoints', () => {
  test('finds the first bad one with its difference; what a person can see stays as it is', async () => {
    const line = await makeLine(['good 0', 'good 1', 'good 2', 'bad 3', 'bad 4', 'bad 5', 'bad 6']);
    line.t.write('state.txt', 'bad now\n');
    line.t.write('later.txt', 'not tracked\n');
    await line.t.git('add', 'a.txt');
    const before = await visibleState(line.t);
    const found = await line.bisectJson();
    expect(found).toMatchObject({
      verdict: 'found',
      firstBad: { tag: line.tags[3] },
      before: { tag: line.tags[2] },
      // The gates name two suites; only the one that fails on the bad end judges.
      suites: ['unit'],
      files: [{ path: 'state.txt', change: 'changed' }],
      patch: expect.stringContaining('-good 2\n+bad 3\n'),
    });
    // Both ends, then log2(7) of the rest; what fails is run once more. No run sees what one of another state left.
    expect(line.runs()).toEqual(['bad now', 'bad now', 'good 0', 'bad 3', 'bad 3', 'good 1', 'good 2']);
    expect(await visibleState(line.t)).toEqual(before);
    await expectNothingLeft(line);
  });

  test('says it in words: how long ago, which difference, the patch', async () => {
    const line = await makeLine(['good 0', 'bad 1']);
    const { text, exit } = await line.bisect({ bad: 'last' });
    expect(exit).toBeUndefined();
    expect(text).toMatch(/^the first bad one is checkpoint-\S+, (just now|\d+s ago)\n {2}unit failed/);
    expect(text).toContain('1 file changed, 1 insertion(+), 1 deletion(-)');
    expect(text).toContain('-good 0\n+bad 1');
    expect(line.ctx.notes.join('\n')).toMatch(
      /: bad, .*\n.*: making sure that it is good \(1 left, about 1 run\)/,
    );
  });

  test('untracked files count: they are of the tree', async () => {
    const line = await makeLine(['good 0', 'good 1']);
    line.t.write('breaks.txt', '');
    expect(await line.bisectJson({ suite: 'unit' })).toMatchObject({
      firstBad: { name: 'now', tag: null },
      before: { name: line.tags[1] },
      files: [{ path: 'breaks.txt', change: 'added' }],
    });
  });

  test('a changed file that is too large to be taken is named', async () => {
    const line = await makeLine(['good 0']);
    line.t.write('devenv.yaml', config.replace('{ gates', '{ max_file: 1kB, gates'));
    line.t.write('a.txt', 'x'.repeat(5000));
    line.t.write('state.txt', 'bad now\n');
    expect((await line.bisectJson({ suite: 'unit' })).firstBad).toMatchObject({ name: 'now' });
    expect(line.ctx.notes).toContain('now is judged without the changes of a.txt: they cannot be taken');
  });

  test('skips what cannot be judged, and says which it can be', async () => {
    const line = await makeLine(['good 0', 'broken 1', 'broken 2', 'bad 3']);
    const { text, exit } = await line.bisect({ bad: line.tags[3] });
    expect(exit).toBe(1);
    expect(text).toMatch(
      /it is one of these 3; those between could not be judged:\n {2}\S+, .*\(unit: exit 127/,
    );
    for (const tag of line.tags.slice(1)) expect(text).toContain(tag);
    const around = await makeLine(['good 0', 'good 1', 'broken 2', 'good 3', 'bad 4']);
    expect(await around.bisectJson({ bad: 'last' })).toMatchObject({ firstBad: { tag: around.tags[4] } });
  });

  test('what passes when it is run again is flaky, and not bad', async () => {
    const line = await makeLine(['good 0', 'good 1', 'flaky 2', 'good 3', 'bad 4']);
    const found = await line.bisectJson({ bad: 'last' });
    expect(found.firstBad).toMatchObject({ tag: line.tags[4] });
    expect(found.results.find((one) => one.name === line.tags[2])).toMatchObject({
      verdict: 'good',
      flaky: true,
    });
    expect(line.runs().filter((state) => state === 'flaky 2')).toHaveLength(2);
  });

  test('the same tree is run once, wherever it comes again', async () => {
    const line = await makeLine(['good 0', 'bad x', 'good 0', 'bad x']);
    expect(await line.bisectJson({ good: line.tags[0], bad: line.tags[3] })).toMatchObject({
      firstBad: { tag: line.tags[3] },
    });
    expect(line.runs()).toEqual(['bad x', 'bad x', 'good 0']);
  });

  test('what earlier runs say of a tree is used and said; --fresh runs it', async () => {
    const line = await makeLine(['good 0', 'good 1', 'bad 2', 'bad 3']);
    const store = openStore(line.t.env);
    const record = async (tag: string | undefined, verdict: 'passed' | 'failed'): Promise<void> =>
      store.recordRun({
        projectId: projectId(line.t.dir),
        suite: 'unit',
        verdict,
        tree: await line.t.git('rev-parse', `${tag}^{tree}`),
        at: 1,
        durationMs: 1,
        passed: 1,
        failed: 0,
        flaky: 0,
        skipped: 0,
        reason: 'test',
      });
    await record(line.tags[1], 'passed');
    await record(line.tags[2], 'failed');
    store.close();
    const { text } = await line.bisect({ bad: 'last' });
    expect(text).toContain(`the first bad one is ${line.tags[2]}`);
    expect(text).toContain('found with 2 runs among 4 states, 2 known from earlier runs');
    // The ends are run all the same: they show that the scratch work tree can tell good from bad.
    expect(line.runs()).toEqual(['bad 3', 'bad 3', 'good 0']);
    await line.bisectJson({ bad: 'last', fresh: true });
    expect(line.runs()).toEqual(['bad 3', 'bad 3', 'good 0', 'good 1', 'bad 2', 'bad 2']);
  });

  test('in a linked work tree with HEAD detached and a space in its path, with its own checkpoints only', async () => {
    const line = await makeLine(['good 0', 'good 1', 'bad 2', 'bad 3'], { name: 'a shop' });
    expect(await line.bisectJson({ bad: 'last' })).toMatchObject({ firstBad: { tag: line.tags[2] } });
    await expectNothingLeft(line);
  });

  test('a project in a folder of the repository, which older states do not have', async () => {
    const t = await makeRepo({ files: { 'a.txt': 'a\n' } });
    const tags = [(await t.checkpoint({ verdict: 'passed' })).tag];
    for (const state of ['good 1', 'good 2', 'bad 3']) {
      t.write('my shop/devenv.yaml', config);
      t.write('my shop/state.txt', state);
      tags.push((await t.checkpoint()).tag);
    }
    const ctx = testContext({ env: t.env, cwd: path.join(t.dir, 'my shop'), json: true });
    const input = { commits: false, fresh: false, reset: false, run: '! grep bad state.txt', bad: 'last' };
    await expect(bisect(ctx, input)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(`${tags[0]} cannot be judged`),
    });
    const { json } = await bisect(ctx, { ...input, good: tags[1] });
    expect(json).toMatchObject({ firstBad: { tag: tags[3] }, before: { tag: tags[2] } });
  });

  test('folders of dependencies are linked in, and are whole afterwards', async () => {
    const line = await makeLine(['good 0', 'good 1', 'bad 2']);
    mkdirSync(path.join(line.t.dir, 'node_modules/lib'), { recursive: true });
    line.t.write('node_modules/lib/index.js', 'kept\n');
    const run = 'test -e node_modules/lib/index.js || exit 125; ! grep -q bad state.txt';
    expect(await line.bisectJson({ bad: 'last', run })).toMatchObject({ firstBad: { tag: line.tags[2] } });
    expect(line.t.read('node_modules/lib/index.js')).toBe('kept\n');
  });
});

describe('ends that are not what they are said to be', () => {
  const cases: readonly [
    string,
    readonly string[],
    Parameters<Line['bisect']>[0],
    Record<string, unknown>,
  ][] = [
    [
      'a bad one that passes',
      ['good 0', 'good 1'],
      { bad: 'last' },
      { code: 'failed', message: expect.stringContaining('is not bad') },
    ],
    [
      'a good one that fails',
      ['bad 0', 'bad 1'],
      { bad: 'last' },
      { code: 'failed', message: expect.stringContaining('is not good: unit failed') },
    ],
    [
      'a bad one that cannot be judged',
      ['good 0', 'broken 1'],
      { bad: 'last' },
      { code: 'failed', message: expect.stringContaining('cannot be judged: unit: exit 127') },
    ],
    [
      'the wrong order',
      ['good 0', 'good 1', 'bad 2'],
      { good: 'last', bad: '-2' },
      { code: 'usage', message: expect.stringContaining('is not older than') },
    ],
    ['the same one', ['good 0', 'bad 1'], { good: 'last', bad: 'last' }, { code: 'usage' }],
    [
      'no good one before it',
      ['good 0', 'bad 1'],
      { bad: '-2' },
      { code: 'unknown-tag', message: expect.stringContaining('no good checkpoint before') },
    ],
    ['no such one', ['good 0', 'bad 1'], { bad: 'nonsense' }, { code: 'unknown-tag' }],
    [
      'no such suite',
      ['good 0', 'bad 1'],
      { suite: 'unti' },
      { code: 'unknown-suite', hint: 'did you mean unit?' },
    ],
    ['two ways to judge', ['good 0', 'bad 1'], { suite: 'unit', run: 'true' }, { code: 'usage' }],
    ['an empty command', ['good 0', 'bad 1'], { run: '' }, { code: 'usage' }],
    ['--reset with others', ['good 0', 'bad 1'], { reset: true, suite: 'unit' }, { code: 'usage' }],
  ];
  test.each(cases)('%s', async (_, states, input, error) => {
    const line = await makeLine(states);
    await expect(line.bisect(input)).rejects.toMatchObject(error);
    // Nothing is left that would have to be forgotten.
    expect((await line.bisect({ reset: true })).text).toBe('there is no bisect to forget');
  });

  test('the present is the same as the good one', async () => {
    const line = await makeLine(['good 0']);
    await expect(line.bisect({ good: 'last' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('same files'),
    });
  });
});

describe('by a command', () => {
  test('0 is good, 125 a skip, others are bad', async () => {
    const line = await makeLine(['good 0', 'broken 1', 'good 2', 'bad 3', 'bad 4']);
    const run = 'case "$(cat state.txt)" in good*) exit 0 ;; broken*) exit 125 ;; *) exit 7 ;; esac';
    const found = await line.bisectJson({ bad: 'last', run });
    expect(found).toMatchObject({ firstBad: { tag: line.tags[3] }, suites: [], run });
    expect(found.results.find((one) => one.name === line.tags[3])?.why).toBe('exit 7');
  });

  test('128 and more stops, and the bisect goes on when it is called again', async () => {
    const line = await makeLine(['good 0', 'good 1', 'good 2', 'bad 3']);
    const flag = path.join(line.t.env['HOME'] ?? '', 'works');
    const run = `cat state.txt >> "$RUNS_LOG"; case "$(cat state.txt)" in bad*) exit 1 ;; "good 1") test -e '${flag}' || exit 200 ;; esac`;
    await expect(line.bisect({ bad: 'last', run })).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining(`ended with 200 on ${line.tags[1]}`),
    });
    expect(line.runs()).toEqual(['bad 3', 'bad 3', 'good 0', 'good 1']);
    await expect(line.bisect({ bad: 'last', run: 'true' })).rejects.toMatchObject({ code: 'refused' });
    writeFileSync(flag, '');
    expect(await line.bisectJson()).toMatchObject({ firstBad: { tag: line.tags[3] } });
    expect(line.runs()).toEqual(['good 1', 'good 2']);
    expect(line.ctx.notes.join('\n')).toContain('continuing the bisect from');
  });
});

describe('what is kept of a bisect', () => {
  /** Stops a bisect after the two ends. */
  async function half(): Promise<Line & { readonly file: string }> {
    const line = await makeLine(['good 0', 'good 1', 'wait 2', 'bad 3', 'bad 4']);
    const stop = new AbortController();
    const note = (text: string): void => {
      if (text.includes(`${line.tags[2]}: judging`)) stop.abort();
    };
    await expect(
      bisect(
        { ...line.ctx, note, signal: stop.signal },
        { bad: 'last', commits: false, fresh: false, reset: false },
      ),
    ).rejects.toMatchObject({ code: 'interrupted' });
    writeFileSync(`${line.t.env['RUNS_LOG']}.go`, '');
    line.runs();
    return { ...line, file: path.join(stateDir(line.t.env), 'bisect', `${projectId(line.t.dir)}.json`) };
  }

  test('stopped, it goes on with the same words or with none, and repeats no run', async () => {
    const line = await half();
    expect(await line.bisectJson({ bad: 'last' })).toMatchObject({ firstBad: { tag: line.tags[3] } });
    expect(line.runs()).toEqual(['wait 2', 'bad 3', 'bad 3']);
    await expectNothingLeft(line);
  });

  test('the present is kept as it was when it began, also when the files and other snapshots went on', async () => {
    const line = await makeLine(['good 0', 'wait 1']);
    line.t.write('state.txt', 'bad now\n');
    const stop = new AbortController();
    const note = (text: string): void => {
      if (text.includes(`${line.tags[1]}: judging`)) stop.abort();
    };
    const input = { commits: false, fresh: false, reset: false };
    await expect(bisect({ ...line.ctx, note, signal: stop.signal }, input)).rejects.toMatchObject({
      code: 'interrupted',
    });
    line.t.write('state.txt', 'good again\n');
    await snapshot(line.t.repo, { now: Date.now(), purpose: 'look' });
    await line.t.git('gc', '-q', '--prune=now');
    writeFileSync(`${line.t.env['RUNS_LOG']}.go`, '');
    expect(await line.bisectJson()).toMatchObject({
      firstBad: { name: 'now' },
      patch: expect.stringContaining('+bad now'),
    });
  });

  test('--reset forgets it', async () => {
    const line = await half();
    expect((await line.bisect({ reset: true })).text).toBe(
      `forgot the bisect from ${line.tags[0]} to ${line.tags[4]} (2 results)`,
    );
    await expectNothingLeft(line);
  });

  test('a suite that was changed meanwhile judges all anew', async () => {
    const line = await half();
    writeFileSync(path.join(line.t.dir, 'devenv.yaml'), config.replace('sh check.sh', 'sh ./check.sh'));
    await line.bisectJson();
    expect(line.runs()).toEqual(['bad 4', 'bad 4', 'good 0', 'wait 2', 'bad 3', 'bad 3']);
    expect(line.ctx.notes.join('\n')).toContain('all is judged anew');
  });

  test.each([
    ['cut short', (text: string) => text.slice(0, 100)],
    ['empty', () => ''],
    ['of another shape', () => '{"version":1}'],
    ['of another project', (text: string) => text.replace('"root":"', '"root":"/elsewhere')],
  ])('damaged (%s), it is one clear message', async (_, damage) => {
    const line = await half();
    writeFileSync(line.file, damage(readFileSync(line.file, 'utf8')));
    await expect(line.bisect()).rejects.toMatchObject({
      code: 'state-dir',
      message: `what was kept of the bisect cannot be read: ${line.file}`,
      hint: 'forget it and start over: devenv bisect --reset',
    });
    expect((await line.bisect({ reset: true })).text).toBe('forgot a bisect that could not be read any more');
    expect(existsSync(line.file)).toBe(false);
  });

  test('two at once: the second is refused', async () => {
    const line = await makeLine(['good 0', 'bad 1']);
    const lock = takeLock(line.t.env, `bisect-${projectId(line.t.dir)}`);
    if (typeof lock === 'string') throw new Error(lock);
    using _held = lock;
    await expect(line.bisect()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('running already'),
    });
  });

  test('a checkpoint that went meanwhile is skipped', async () => {
    const line = await half();
    const state = JSON.parse(readFileSync(line.file, 'utf8'));
    state.candidates[2].commit = '1'.repeat(40);
    writeFileSync(line.file, JSON.stringify(state));
    const found = await line.bisectJson();
    expect(found.firstBad).toBeNull();
    expect(found.results.find((one) => one.name === line.tags[2])).toMatchObject({
      verdict: 'skip',
      why: expect.stringContaining('cannot be checked out'),
    });
    expect(found.suspects.map((one) => one.name)).toEqual([line.tags[2], line.tags[3]]);
  });
});

describe('over commits', () => {
  async function commits(states: readonly string[]): Promise<Line & { readonly ids: readonly string[] }> {
    const line = await makeLine(['good 0']);
    const ids = [await line.t.git('rev-parse', 'HEAD')];
    for (const state of states) {
      line.t.write('state.txt', `${state}\n`);
      await line.t.git('commit', '-qam', state);
      ids.push(await line.t.git('rev-parse', 'HEAD'));
    }
    return { ...line, ids };
  }

  test('from the commit of the last good checkpoint to HEAD', async () => {
    const line = await commits(['good 1', 'good 2', 'bad 3', 'bad 4']);
    // What is not committed plays no part.
    line.t.write('state.txt', 'good now\n');
    const found = await line.bisectJson({ commits: true });
    expect(found.firstBad).toMatchObject({ commit: line.ids[3], tag: null, message: 'bad 3' });
    expect(found.patch).toContain('-good 2\n+bad 3\n');
  });

  test('a revision among the ends means commits', async () => {
    const line = await commits(['good 1', 'bad 2', 'bad 3']);
    expect((await line.bisectJson({ good: 'HEAD~2', bad: 'main' })).firstBad).toMatchObject({
      commit: line.ids[2],
    });
  });

  test('a merge is one step, and says how to look into it', async () => {
    const line = await commits(['good 1']);
    const { t } = line;
    await t.git('checkout', '-qb', 'side');
    t.write('breaks.txt', '');
    await t.git('add', '-A');
    await t.git('commit', '-qm', 'side breaks it');
    const side = await t.git('rev-parse', 'HEAD');
    await t.git('checkout', '-q', 'main');
    t.write('other.txt', '');
    await t.git('add', '-A');
    await t.git('commit', '-qm', 'good 2');
    await t.git('merge', '-q', '--no-edit', 'side');
    const merge = await t.git('rev-parse', 'HEAD');
    const { text } = await line.bisect({ commits: true, good: line.ids[0] });
    expect(text).toContain(`the first bad one is ${merge.slice(0, 12)}`);
    const into = `--good ${line.ids[1]?.slice(0, 12)} --bad ${side.slice(0, 12)}`;
    expect(text).toContain(`devenv bisect --commits ${into}`);
    expect((await line.bisectJson({ commits: true, good: line.ids[1], bad: side })).firstBad).toMatchObject({
      commit: side,
    });
  });

  test('ends that do not belong together', async () => {
    const line = await commits(['good 1', 'bad 2']);
    await line.t.git('checkout', '-q', '-b', 'side', 'HEAD~1');
    line.t.write('side.txt', '');
    await line.t.git('add', '-A');
    await line.t.git('commit', '-qm', 'side');
    await expect(line.bisect({ commits: true, good: 'side', bad: 'main' })).rejects.toMatchObject({
      code: 'usage',
      hint: `was the commit where they part good too? then: --good ${line.ids[1]?.slice(0, 12)}`,
    });
    await expect(line.bisect({ commits: true, good: 'main', bad: 'main~1' })).rejects.toMatchObject({
      message: expect.stringContaining('is not older than'),
    });
    await expect(line.bisect({ commits: true, good: 'main', bad: 'main' })).rejects.toMatchObject({
      code: 'usage',
    });
    await expect(line.bisect({ commits: true, good: '--all' })).rejects.toMatchObject({
      code: 'unknown-tag',
    });
  });
});
