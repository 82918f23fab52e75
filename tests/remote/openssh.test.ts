import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTransport, resolveTarget, type Transport } from '../../src/remote/index.ts';
import { makeBox, type Box } from '../support/box.ts';

const notes: string[] = [];
async function open(box: Box): Promise<Transport> {
  return openTransport(resolveTarget(box.host, {}, 'shop'), {
    env: box.env,
    interactive: false,
    acceptNewHostKey: false,
    note: (line) => notes.push(line),
  });
}

describe('a script over OpenSSH', () => {
  let box: Box;
  let transport: Transport;
  beforeAll(async () => {
    box = await makeBox();
    transport = await open(box);
  });
  afterAll(() => box.end());

  it('runs in the home with its variables, and gives back status and both streams', async () => {
    const value = `it's "50%" of\n$HOME \\ \`x\` ünï!`;
    const result = await transport.run({
      script: 'pwd; printf %s "$VALUE"; echo oops >&2; exit 7',
      vars: { VALUE: value },
    });
    expect(result.code).toBe(7);
    expect(result.stdout.toString()).toBe(`${box.home}\n${value}`);
    expect(result.stderr).toBe('oops\n');
  });

  it('carries any bytes both ways', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7919) & 255));
    const result = await transport.run({ script: 'cat', stdin: bytes });
    expect(result.stdout.equals(bytes)).toBe(true);
  });

  it('keeps one connection for the next command', async () => {
    const before = box.log().match(/Accepted publickey/g)?.length;
    const other = await open(box);
    await other.run({ script: 'true' });
    expect(box.log().match(/Accepted publickey/g)?.length).toBe(before);
    expect(readdirSync(path.join(box.env['XDG_RUNTIME_DIR'] ?? '', 'devenv'))).toHaveLength(1);
  });
});
