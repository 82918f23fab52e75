import { assert, property, string } from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { command, createTmux, encodeMark, format, requireVersion, sequence } from '../../src/tmux/index.ts';
import { DevenvError } from '../../src/base/index.ts';
import { decodeMark } from '../../src/tmux/quote.ts';
import { parseVersion } from '../../src/tmux/version.ts';
import { privateTmux } from '../support/private-tmux.ts';

const world = privateTmux();
const tmux = createTmux(world.env);
afterAll(() => world.end());

const awkward = [
  'plain',
  '',
  ' ',
  "it's",
  '"double"',
  '$HOME ${HOME} $(id)',
  '~',
  '#(touch /tmp/pwned)',
  '#{pane_id}',
  '#S ##',
  'end;',
  ';',
  '\\;',
  'a\\',
  '{ x }',
  '%if 1',
  'A=b',
  'two\nlines',
  'two\n  # no comment\n\tindented',
  '\n',
  'cr\rlf',
  'läden 商店 👍',
  "'\n'",
  '-flag',
  '--',
  '%1',
  '`id`',
  'tab\there',
];

describe('quote', () => {
  it('carries any text through a sourced file, in one server call', async () => {
    const lines = awkward.map((text, i) => command('set-option', '-g', `@t${i}`, `.${text}`));
    const made = await tmux.script([command('new-session', '-d', '-s', 'q', 'sleep 1000'), ...lines]);
    expect(made).toMatchObject({ ok: true, stderr: '' });
    for (const [i, text] of awkward.entries()) {
      const shown = await tmux.run(['show-options', '-gqv', `@t${i}`]);
      expect(shown.stdout).toBe(`.${text}\n`);
    }
  });

  it('carries it as the last argument before a separator, too', async () => {
    const texts = awkward.map((text) => text);
    await tmux.script([sequence(texts.map((text, i) => ['set-option', '-g', `@s${i}`, text]))]);
    const shown = await tmux.run(['show-options', '-gqv', `@s${texts.indexOf('end;')}`]);
    expect(shown.stdout).toBe('end;\n');
  });

  it('keeps names and environments as they are where tmux expands formats', async () => {
    const name = 'a #(touch pwned) #{pid} #S ## %H';
    await tmux.script([
      sequence([
        [
          'new-window',
          '-t',
          '=q:',
          '-n',
          format(name),
          '-e',
          `X=${name}\nsecond`,
          '--',
          'sh',
          '-c',
          'printf "%s" "$X" | od -An -c | tr -d " \\n"; sleep 1000',
        ],
      ]),
    ]);
    const listed = await tmux.run(['list-windows', '-t', '=q:', '-F', '#{window_name}']);
    expect(listed.stdout.split('\n')).toContain(name);
  });
});

describe('sequence', () => {
  it('ends at the first command that fails', async () => {
    const result = await tmux.script([
      sequence([
        ['set-option', '-g', '@before', '1'],
        ['kill-window', '-t', '=nowhere:'],
        ['set-option', '-g', '@after', '1'],
      ]),
    ]);
    expect(result.ok).toBe(false);
    expect((await tmux.run(['show-options', '-gqv', '@before'])).stdout).toBe('1\n');
    expect((await tmux.run(['show-options', '-gqv', '@after'])).stdout).toBe('');
  });
});

describe('marks', () => {
  it('come back as they were, without control characters on the way', () => {
    assert(
      property(string({ unit: 'grapheme' }), (text) => {
        expect(encodeMark(text)).not.toMatch(/[\u0000-\u001f\u007f]/);
        expect(decodeMark(encodeMark(text))).toBe(text);
      }),
    );
  });
});

function errorOf(action: () => void): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof DevenvError ? error.code : error;
  }
}

describe('version', () => {
  it.each([
    ['tmux 3.2a', true],
    ['tmux 3.2', false],
    ['tmux 3.1c', false],
    ['tmux 2.9a', false],
    ['tmux 3.3a', true],
    ['3.7c', true],
    ['tmux 4.0', true],
    ['tmux next-3.4', true],
    ['tmux master', true],
    ['tmux openbsd-7.1', true],
  ])('%s is new enough: %s', (text, fine) => {
    expect(errorOf(() => requireVersion(text))).toBe(fine ? undefined : 'old-tmux');
  });

  it('orders letters', () => {
    expect(parseVersion('3.2a')).toBeGreaterThan(parseVersion('3.2') ?? 0);
    expect(parseVersion('3.10')).toBeGreaterThan(parseVersion('3.9c') ?? 0);
  });
});
