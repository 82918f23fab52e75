import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMessage, scanMessage, writeMessage } from '../../src/checkpoint/message.ts';

const line = fc.stringMatching(/^[ -~é]{0,20}$/);
const words = fc
  .array(fc.oneof(line, fc.constantFrom('Devenv-Verdict: passed', 'x: Devenv-Head: y', 'Devenv-', '')), {
    maxLength: 4,
  })
  .map((lines) => lines.join('\n'));

test('the quick look at a message for a list says what reading all of it says', () => {
  const trailers = fc.record({
    verdict: fc.constantFrom('passed', 'failed'),
    tree: line,
    branch: fc.option(line),
    head: fc.option(line),
    reason: line,
    suites: fc.array(line, { maxLength: 2 }),
    session: fc.option(line, { nil: undefined }),
    skipped: fc.array(fc.record({ path: line, reason: line }), { maxLength: 2 }),
    partial: fc.boolean(),
    files: fc.option(fc.nat(), { nil: undefined }),
    more: fc.dictionary(fc.constantFrom('Worktree', 'Intent'), line),
  });
  fc.assert(
    fc.property(words, trailers, (subject, facts) => {
      const text = writeMessage(subject, facts);
      const [whole, quick] = [parseMessage(text), scanMessage(text)];
      expect(quick.words).toBe(whole.words);
      for (const name of [
        'Verdict',
        'Tree',
        'Branch',
        'Head',
        'Reason',
        'Suites',
        'Session',
        'Files',
        'Worktree',
        'Absent',
      ])
        expect(quick.field(name)).toBe(whole.fields.get(name));
      expect(whole.fields.get('Verdict')).toBe(facts.verdict);
    }),
  );
});
