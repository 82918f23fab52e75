import { expect, test } from 'vitest';
import { withoutEscapes } from '../../src/base/index.ts';

const text = 'a\u001B[1;31mred\u001B[0m\nb\u001B]0;a title\u0007c\u001B[2K\u001B(Bd [x] (y)\n';

test('text that is cut in two anywhere loses its escapes and nothing else', () => {
  for (let at = 0; at <= text.length; at++) {
    let seen = '';
    const pass = withoutEscapes((piece) => (seen += piece));
    pass(text.slice(0, at));
    pass(text.slice(at));
    expect({ at, seen }).toEqual({ at, seen: 'ared\nbcd [x] (y)\n' });
  }
});
