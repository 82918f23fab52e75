import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createIgnoreRules } from '../../src/watch/ignore.ts';
import { tempDir, testEnv } from '../support/temp.ts';

test('it ignores what git ignores', () => {
  const top = tempDir();
  const env = testEnv();
  const files: Record<string, string> = {
    '.gitignore': 'node_modules\n*.log\n!keep.log\n/build/\ntmp/*\n!tmp/keep\n**/cache/\n',
    'packages/a/.gitignore': '!important.log\n/dist\nsecret.txt\n',
    'packages/b/.gitignore': '*\n!*.ts\n!.gitignore\n',
    '.git-info-exclude': '*.swp\n',
  };
  const paths =
    `a.log keep.log src/a.log src/keep.log build/x src/build/x tmp/a tmp/keep x/cache/y node_modules/p/index.js packages/a/node_modules/q.js packages/a/important.log packages/a/other.log packages/a/dist/x.js packages/a/src/dist/x.js packages/a/secret.txt packages/b/x.ts packages/b/x.js a.swp src/a.swp src/a.ts packages/b/sub/x.ts`.split(
      ' ',
    );
  execFileSync('git', ['init', '-q'], { cwd: top, env });
  for (const [file, text] of Object.entries(files)) {
    const target = file === '.git-info-exclude' ? '.git/info/exclude' : file;
    mkdirSync(path.dirname(path.join(top, target)), { recursive: true });
    writeFileSync(path.join(top, target), text);
  }
  for (const file of paths) {
    mkdirSync(path.dirname(path.join(top, file)), { recursive: true });
    writeFileSync(path.join(top, file), '');
  }
  const counted = execFileSync('git', ['ls-files', '-o', '--exclude-standard'], {
    cwd: top,
    env,
    encoding: 'utf8',
  }).split('\n');
  const rules = createIgnoreRules({ top, excludeFiles: [path.join(top, '.git/info/exclude')], globs: [] });
  expect(paths.filter((file) => !rules.ignores(file, false)).toSorted()).toEqual(
    paths.filter((file) => counted.includes(file)).toSorted(),
  );
});

test('watch.ignore wins, .git never counts', () => {
  const top = tempDir();
  const rules = createIgnoreRules({ top, excludeFiles: [], globs: ['**/*.log', 'generated/'] });
  expect(rules.ignores('a/b.log', false)).toBe(true);
  expect(rules.ignores('generated', true)).toBe(true);
  expect(rules.ignores('generated/x.ts', false)).toBe(true);
  expect(rules.ignores('.git/index', false)).toBe(true);
  expect(rules.ignores('.github/x.yml', false)).toBe(false);
  expect(rules.ignores('a.txt', false)).toBe(false);
});
