import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { run } from '../../src/base/index.ts';
import { addressTo, byLine, createUnframer, frame, shellWord } from '../../src/remote/index.ts';

/** Cuts bytes at these places, as a network does. */
function pieces(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

describe('a framed script', () => {
  it('gives back its output and status whatever stands around it and wherever it is cut', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.nat(255),
        fc.array(fc.nat(), { maxLength: 12 }),
        (noise, own, code, cuts) => {
          const nonce = 'devenv-0011223344556677';
          const stream = Buffer.concat([
            noise,
            Buffer.from(`\n${nonce} BEGIN\n`),
            own,
            Buffer.from(`${nonce} END ${code}\n`),
            Buffer.from('logout\n'),
          ]);
          const unframer = createUnframer(nonce);
          const given = pieces(stream, cuts).map((piece) => unframer.push(piece));
          expect(Buffer.concat([...given, unframer.rest()]).equals(own)).toBe(true);
          expect(unframer.code()).toBe(code);
        },
      ),
    );
  });

  it('never ends without an END, and hands out what came until then', () => {
    const unframer = createUnframer('n');
    expect(unframer.push(Buffer.from('motd\nn BEGIN\nhalf\nn EN')).toString()).toBe('half\n');
    expect(unframer.rest().toString()).toBe('n EN');
    expect(unframer.code()).toBeUndefined();
    expect(unframer.began()).toBe(true);
  });

  it('hands out a whole line at once', () => {
    const unframer = createUnframer('devenv-0011');
    expect(unframer.push(Buffer.from('devenv-0011 BEGIN\na line\n')).toString()).toBe('a line\n');
    expect(unframer.push(Buffer.from('devenv')).toString()).toBe('');
    expect(unframer.push(Buffer.from(' undo\n')).toString()).toBe('devenv undo\n');
  });

  it('does not take a status that is cut short for one', () => {
    const unframer = createUnframer('n');
    unframer.push(Buffer.from('n BEGIN\nn END 1'));
    expect(unframer.code()).toBeUndefined();
    unframer.push(Buffer.from('3\n'));
    expect(unframer.code()).toBe(13);
  });

  it('keeps what came before it as the complaint', () => {
    const unframer = createUnframer('n');
    unframer.push(Buffer.from('ssh: no way\n'));
    expect(unframer.began()).toBe(false);
    expect(unframer.before()).toBe('ssh: no way\n');
  });

  it.each(['dash', 'bash', 'sh'])('is run unharmed by %s, with any value', async (shell) => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (value) => {
        const text = value.replaceAll('\0', '');
        const { command, nonce } = frame('printf %s "$VALUE"', { VALUE: text });
        const result = await run([shell, '-c', command]);
        const unframer = createUnframer(nonce);
        const own = Buffer.concat([unframer.push(Buffer.from(result.stdout)), unframer.rest()]);
        expect(own.toString()).toBe(Buffer.from(text).toString());
      }),
      { numRuns: 25 },
    );
  });
});

it('quotes one word for sh', () => {
  expect(shellWord(`it's`)).toBe(`'it'\\''s'`);
});

describe('a hint of a box', () => {
  it.each([
    ['devenv undo takes it back', 'devenv undo --host box takes it back'],
    ['devenv attach api shows it', 'devenv attach --host box api shows it'],
    ['see devenv status --host other', 'see devenv status --host other'],
    ['devenv: no such window', 'devenv: no such window'],
    ['the devenv.yaml, devenv init', 'the devenv.yaml, devenv init'],
    ['devenv checkpoints', 'devenv checkpoints --host box'],
  ])('%s', (said, meant) => {
    expect(addressTo('box', said)).toBe(meant);
  });

  it('is read in whole lines, also when a character is cut', () => {
    const told: string[] = [];
    const lines = byLine(
      (text) => addressTo('b', text),
      (text) => told.push(text),
    );
    const bytes = Buffer.from('ü devenv undo\nrest');
    for (const byte of bytes) lines.push(Buffer.from([byte]));
    lines.end();
    expect(told.join('')).toBe('ü devenv undo --host b\nrest');
  });
});
