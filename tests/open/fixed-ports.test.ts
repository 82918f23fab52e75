import { expect, test } from 'vitest';
import { fixedPorts } from '../../src/open/fixed-ports.ts';

test.each([
  ['vite --port 8080', true],
  ['vite --port=8080', true],
  ['PORT=8080 node x', true],
  ['vite --port ${port.api}', false],
  ['node x --size 18080', false],
  ['tool --version 8080.1', false],
  [undefined, false],
] as const)('%s', (command, found) => {
  const opened = [{ name: 'ui', panes: [{ command }] }];
  const live = [{ port: 8080 }, { port: 'auto' as const }, { port: undefined }];
  expect(fixedPorts(live, opened)).toEqual(found ? [{ window: 'ui', port: 8080 }] : []);
});
