import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readDiskFile } from '../../src/checkpoint/index.ts';
import { tempDir } from '../support/temp.ts';
import { until } from '../support/until.ts';

/** Writes once, with the least right to a processor, when it is told to. */
const writer = `
const fs = require('node:fs');
const [, file, size] = process.argv;
const bytes = Buffer.alloc(Number(size), 'x');
const fd = fs.openSync(file, 'w');
require('node:os').setPriority(19);
process.stdin.once('data', () => {
  fs.writeSync(fd, bytes);
  process.exit(0);
});
process.stdout.write('ready');`;

/** A program on the first processor alone. */
function onFirst(...args: readonly string[]): ChildProcess {
  return spawn('taskset', ['-c', '0', process.execPath, '-e', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

function hasDirectReads(dir: string): boolean {
  try {
    closeSync(
      openSync(path.join(dir, 'probe'), constants.O_CREAT | constants.O_RDWR | (constants.O_DIRECT ?? 0)),
    );
    return constants.O_DIRECT !== undefined;
  } catch {
    return false;
  }
}

test.skipIf(!hasDirectReads(tempDir('direct')) || spawnSync('taskset', ['-c', '0', 'true']).status !== 0)(
  '[invariant 31] a file whose writer lost the processor in the middle of a write is read when that write is done',
  async () => {
    const size = 8 * 1024 * 1024;
    let met = 0;
    // Whether a write is met in the middle is chance.
    for (let n = 0; n < 20 && met < 2; n++) {
      const file = path.join(tempDir('long-write'), 'file');
      const child = onFirst(writer, file, String(size));
      const ended = new Promise((resolve) => child.on('close', resolve));
      await new Promise((resolve) => child.stdout?.once('data', resolve));
      const busy = onFirst('for (;;);');
      try {
        child.stdin?.write('go');
        await until('the write to begin', () => statSync(file).size > 0);
        if (statSync(file).size < size) met++;
        const read = readDiskFile(Buffer.from(file), size);
        expect([read.kind, 'content' in read && read.content.length]).toEqual(['file', size]);
      } finally {
        busy.kill('SIGKILL');
        await ended;
      }
    }
    expect(met).toBeGreaterThan(0);
  },
);
