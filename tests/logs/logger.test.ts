import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ensureLogger, loggerCommand } from '../../src/logs/index.ts';
import { privateTmux } from '../support/private-tmux.ts';
import { tempDir, testEnv } from '../support/temp.ts';
import { until } from '../support/until.ts';

const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
const texts = (file: string): string[] =>
  readFileSync(file, 'latin1')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.replace(stamp, ''));

/** The logger by itself, as tmux would start it, its input in our hands. */
function startLogger(
  kind: 'perl' | 'awk',
  options: { max?: number; keep?: number; env?: NodeJS.ProcessEnv } = {},
) {
  const env = testEnv(options.env);
  const file = path.join(tempDir('logger'), 'a b', 'api.log');
  const script = ensureLogger(env)[kind];
  const args = [
    script,
    file,
    String(options.max ?? 1e6),
    String(options.keep ?? 5),
    String(process.pid),
    '%9',
  ];
  const child = spawn(kind === 'perl' ? 'perl' : 'sh', args, { env, stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  return {
    file,
    pid: child.pid ?? 0,
    write: (data: string | Buffer) => child.stdin.write(data),
    end: async () => {
      child.stdin.end();
      await ended;
    },
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
  };
}

describe.each(['perl', 'awk'] as const)('the pane logger (%s)', (kind) => {
  test('stamps each line at once and drops the CR of the terminal', async () => {
    const logger = startLogger(kind);
    logger.write('one\r\n\r\n\u001b[31mred\u001b[0m\r\n');
    await until('three lines', () => existsSync(logger.file) && texts(logger.file).length === 3);
    expect(texts(logger.file)).toEqual(['one', '', '\u001b[31mred\u001b[0m']);
    expect(readFileSync(logger.file, 'utf8')).toMatch(stamp);
    await logger.end();
  });

  test('keeps bytes that are no text', async () => {
    const logger = startLogger(kind);
    logger.write(Buffer.from([0x61, 0xff, 0xfe, 0xc3, 0x0a]));
    await logger.end();
    expect(texts(logger.file)).toEqual([Buffer.from([0x61, 0xff, 0xfe, 0xc3]).toString('latin1')]);
  });

  test('rotates by size, keeps so many older files, and loses and swaps no line', async () => {
    const logger = startLogger(kind, { max: 300_000, keep: 30 });
    const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i}`);
    logger.write(`${lines.join('\n')}\n`);
    await logger.end();
    const files = Array.from({ length: 31 }, (_, i) =>
      i === 0 ? logger.file : `${logger.file}.${i}`,
    ).filter((f) => existsSync(f));
    expect(files.length).toBeGreaterThan(5);
    expect(files.reverse().flatMap(texts).join('\n') === lines.join('\n')).toBe(true);

    const small = startLogger(kind, { max: 1000, keep: 2 });
    for (let i = 0; i < 50; i++) {
      small.write(`${'x'.repeat(200)} ${i}\n`);
      await until(
        'it is written',
        () => existsSync(small.file) && readFileSync(small.file, 'utf8').includes(`x ${i}\n`),
      );
    }
    await small.end();
    expect([1, 2, 3].map((n) => existsSync(`${small.file}.${n}`))).toEqual([true, true, false]);
    expect(readFileSync(`${small.file}.1`).length).toBeLessThanOrEqual(1000);
  });

  test('writes nothing that looks secret', async () => {
    const logger = startLogger(kind, { env: { DEVENV_X: '1' } });
    await logger.end();
    // The pane whose environment is read: a process with secrets.
    const env = testEnv({
      API_TOKEN: 'tok_abc123',
      my_password: "it's $ecret/+",
      PUBLIC_KEY: 'public22',
      SORT: 'upwards',
    });
    const pane = spawn('sleep', ['60'], { env, stdio: 'ignore' });
    try {
      const file = path.join(tempDir('logger'), 'api.log');
      const script = ensureLogger(env)[kind];
      const child = spawn(
        kind === 'perl' ? 'perl' : 'sh',
        [script, file, '1000000', '5', String(pane.pid), '%9'],
        {
          env: testEnv(),
          stdio: ['pipe', 'inherit', 'inherit'],
        },
      );
      child.stdin.end("got tok_abc123, it's $ecret/+! public22 upwards\n");
      await new Promise((resolve) => child.on('close', resolve));
      expect(texts(file)).toEqual(['got ***, ***! public22 upwards']);
    } finally {
      pane.kill();
    }
  });
});

describe('the pane logger', () => {
  test('shows an unended line after a moment, and goes on with it', async () => {
    const logger = startLogger('perl');
    logger.write('Continue? ');
    await until(
      'the question',
      () => existsSync(logger.file) && readFileSync(logger.file, 'utf8').endsWith('Continue? '),
    );
    logger.write('yes\r\n');
    await logger.end();
    expect(texts(logger.file)).toEqual(['Continue? yes']);
  });

  test('cuts endless lines, between characters', async () => {
    const logger = startLogger('perl');
    logger.write(`x${'é'.repeat(100_000)}`);
    await logger.end();
    const lines = readFileSync(logger.file, 'utf8').split('\n').slice(0, -1);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.map((line) => line.replace(stamp, '')).join('')).toBe(`x${'é'.repeat(100_000)}`);
  });

  test('goes on in a new file when its file was moved, and ends a line that was left open', async () => {
    const logger = startLogger('perl');
    logger.write('one\n');
    await until('one', () => existsSync(logger.file));
    renameSync(logger.file, `${logger.file}.old`);
    writeFileSync(logger.file, 'torn');
    logger.write('two\n');
    await logger.end();
    expect(texts(logger.file)).toEqual(['torn', 'two']);
  });

  test('drops what a full disk does not take, keeps reading, and says so afterwards', async () => {
    const logger = startLogger('perl');
    const dir = path.dirname(logger.file);
    mkdirSync(dir, { recursive: true });
    symlinkSync('/dev/full', logger.file);
    const bytes = 20 * 20_001;
    for (let i = 0; i < 20; i++) logger.write(`${'lost '.repeat(4000)}\n`);
    // All of it is taken in although nothing can be written: the pane is not blocked.
    await until('all is read', () => {
      const read = /^rchar: (\d+)/.exec(readFileSync(`/proc/${logger.pid}/io`, 'utf8'))?.[1];
      return Number(read) >= bytes;
    });
    await until('it waits for more', () =>
      /State:\s+S/.test(readFileSync(`/proc/${logger.pid}/status`, 'utf8')),
    );
    rmSync(logger.file);
    logger.write('found\n');
    await logger.end();
    expect(texts(logger.file)).toEqual([
      expect.stringMatching(/^\[devenv: 20 lines were lost: No space left on device\]$/),
      'found',
    ]);
  });

  test('writes what it has when it is told to end', async () => {
    const logger = startLogger('perl');
    logger.write('one\n');
    await until('one', () => existsSync(logger.file));
    logger.write('two\nthree');
    logger.kill('SIGHUP');
    logger.kill('SIGTERM');
    await logger.ended;
    expect(texts(logger.file)[0]).toBe('one');
  });
});

describe('in tmux', () => {
  const odd = `it's a #{pane_id} #[x] 100%H $HOME "é"`;

  test('logs a pane from its first to its last line, whatever its path holds', async () => {
    const t = privateTmux({ API_SECRET: 'hunter2hunter2' });
    try {
      const file = path.join(tempDir('logs'), odd, 'api.log');
      const pipe = loggerCommand({ scripts: ensureLogger(t.env), file, maxSizeBytes: 1e7, keep: 2 });
      await t.tmux(
        'new-session',
        '-d',
        '-s',
        'x',
        'seq 1 5000; echo $API_SECRET',
        ';',
        'set',
        '-p',
        'remain-on-exit',
        'on',
        ';',
        'pipe-pane',
        pipe,
      );
      await until('the last line', () => existsSync(file) && texts(file).length >= 5001);
      expect(texts(file).slice(0, 5000)).toEqual(Array.from({ length: 5000 }, (_, i) => String(i + 1)));
      expect(texts(file)[5000]).toBe('***');
    } finally {
      await t.end();
    }
  });

  test('masks the secrets of a restarted pane too, and ends with its pane', async () => {
    const t = privateTmux();
    try {
      const file = path.join(tempDir('logs'), 'api.log');
      const pipe = loggerCommand({ scripts: ensureLogger(t.env), file, maxSizeBytes: 1e7, keep: 2 });
      await t.tmux('new-session', '-d', '-s', 'x', 'echo first; sleep 60', ';', 'pipe-pane', pipe);
      await until('the first line', () => existsSync(file) && texts(file).includes('first'));
      await t.tmux(
        'respawn-pane',
        '-k',
        '-t',
        '=x:',
        '-e',
        'NEW_TOKEN=fresh-token',
        'sleep 0.2; echo now $NEW_TOKEN; sleep 60',
      );
      await until('the second line', () => texts(file).some((line) => line.startsWith('now')));
      expect(texts(file)).toContain('now ***');
      const children = () =>
        readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').split(' ').filter(Boolean);
      const server = await t.tmux('display-message', '-p', '#{pid}');
      const before = children().length;
      await t.tmux('new-session', '-d', '-s', 'other', 'sleep 60', ';', 'kill-session', '-t', '=x');
      await until('pane and logger are gone', () => children().length === before - 1);
    } finally {
      await t.end();
    }
  });
});
