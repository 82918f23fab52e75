import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot, run } from '../src/base/index.ts';
import { tempDir } from './support/temp.ts';

/** A check that has never been red is an assumption: each fault is planted in a copy of the project and must be found. */
let copy: string;

beforeAll(() => {
  const root = packageRoot();
  copy = tempDir('planted');
  const skip = new Set(['node_modules', 'dist', '.git', 'coverage']);
  cpSync(root, copy, { recursive: true, filter: (source) => !skip.has(path.basename(source)) });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
});

async function check(name: string): Promise<{ ok: boolean; text: string }> {
  const result = await run([path.join(copy, 'scripts/check'), name], { cwd: copy });
  return { ok: result.ok, text: result.stdout + result.stderr };
}

type Fault = readonly [file: string, content: (old: string) => string];

/** Plants files (or new content of some), runs the check, and takes the faults out again. */
async function planted(name: string, ...plant: readonly Fault[]): Promise<{ ok: boolean; text: string }> {
  const takeOut = plant.map((fault) => plantOne(...fault));
  try {
    return await check(name);
  } finally {
    for (const restore of takeOut) restore();
  }
}

function plantOne(file: string, content: (old: string) => string): () => void {
  const target = path.join(copy, file);
  let old: string | undefined;
  try {
    old = readFileSync(target, 'utf8');
  } catch {
    mkdirSync(path.dirname(target), { recursive: true }); // a new file
  }
  writeFileSync(target, content(old ?? ''));
  return () => {
    if (old === undefined) rmSync(target);
    else writeFileSync(target, old);
  };
}

const faults: readonly (readonly [
  check: string,
  what: string,
  file: string,
  content: (old: string) => string,
  says: RegExp,
])[] = [
  ['format', 'a badly formatted file', 'src/base/ugly.ts', () => 'export   const  x={a:1}\n', /ugly\.ts/],
  [
    'lint',
    'a floating promise',
    'src/base/floating.ts',
    () => 'export function f(p: Promise<number>): void {\n  p;\n}\n',
    /no-floating-promises[^\n]*\n[^\n]*floating\.ts/,
  ],
  [
    'lint',
    'console in a slice',
    'src/tmux/noise.ts',
    () => "console.log('x');\n",
    /no-console[^\n]*\n[^\n]*noise\.ts/,
  ],
  [
    'lint',
    'the environment read in a slice',
    'src/tmux/env.ts',
    () => "export const x = process.env['HOME'];\n",
    /process[^\n]*\n[^\n]*src\/tmux\/env\.ts/,
  ],
  ['types', 'a type error', 'src/base/wrong.ts', () => "export const n: number = 'text';\n", /wrong\.ts/],
  [
    'layers',
    'an import of a higher rank',
    'src/tmux/up.ts',
    () => "import '../session/index.ts';\n",
    /layer-tmux: src\/tmux\/up\.ts/,
  ],
  [
    'layers',
    'an import within a rank',
    'src/tmux/side.ts',
    () => "import '../git/index.ts';\n",
    /layer-tmux: src\/tmux\/side\.ts/,
  ],
  [
    'layers',
    'an import past the door',
    'src/session/deep.ts',
    () => "import '../base/text.ts';\n",
    /door-base: src\/session\/deep\.ts/,
  ],
  [
    'layers',
    'a vendor in the wrong folder',
    'src/session/vendor.ts',
    () => "import 'execa';\n",
    /vendor-execa: src\/session\/vendor\.ts/,
  ],
  [
    'layers',
    'a Node module in the wrong folder',
    'src/session/db.ts',
    () => "import 'node:sqlite';\n",
    /vendor-node-sqlite: src\/session\/db\.ts/,
  ],
  [
    'layers',
    'a folder nobody knows',
    'src/helpers/x.ts',
    () => "import '../base/index.ts';\n",
    /no-unknown-folder: src\/helpers/,
  ],
  [
    'layers',
    'a cycle: here',
    'src/base/cycle-a.ts',
    () => "import './cycle-b.ts';\nexport const a = 1;\n",
    /no-cycle: src\/base\/cycle-a\.ts/,
  ],
  [
    'layers',
    'a cycle: and back',
    'src/base/cycle-b.ts',
    () => "import './cycle-a.ts';\nexport const b = 1;\n",
    /no-cycle: .* -> src\/base\/cycle-b\.ts/,
  ],
  ['dead-code', 'an export nobody uses', 'src/base/unused.ts', () => 'export const unused = 1;\n', /unused/],
  [
    'schema',
    'a schema that is out of date',
    'schema/devenv.schema.json',
    (old) => old.replace('"type"', '"typ"'),
    /schema/,
  ],
  [
    'lockfile',
    "a registry's host",
    'package-lock.json',
    (old) => old.replace(/"node_modules\/[^"]+": \{/, '$& "resolved": "https://registry.example/x.tgz",'),
    /registry\.example/,
  ],
  [
    'lockfile',
    'a variant for another platform that is not listed',
    'package-lock.json',
    (old) => old.replace('"node_modules/@oxlint/binding-darwin-arm64"', '"node_modules/nothing"'),
    /binding-darwin-arm64@\S+ is missing/,
  ],
];

// The slow ones look once for all their faults; those faults are in files of their own.
const together = ['lint', 'layers'];
const looks = new Map<string, Promise<{ ok: boolean; text: string }>>();

function lookFor([name, , file, content]: (typeof faults)[number]): Promise<{ ok: boolean; text: string }> {
  if (!together.includes(name)) return planted(name, [file, content]);
  const all = faults.filter((fault) => fault[0] === name);
  const look = looks.get(name) ?? planted(name, ...all.map((fault): Fault => [fault[2], fault[3]]));
  looks.set(name, look);
  return look;
}

describe('every check finds its planted fault', () => {
  it.each(faults)('%s: %s', async (...fault) => {
    const result = await lookFor(fault);
    expect(result.ok, result.text).toBe(false);
    expect(result.text).toMatch(fault[4]);
  });

  it('layers: a parser that reads nothing', async () => {
    const result = await planted('layers', [
      '.dependency-cruiser.cjs',
      (old) => old.replace('options: {', "options: { exclude: '^src',"),
    ]);
    expect(result.ok, result.text).toBe(false);
  });

  // `./scripts/test` has just seen that.
  it.skipIf(process.env['DEVENV_CHECKED'] === 'yes')('all are green without a fault', async () => {
    for (const name of ['format', 'lint', 'types', 'layers', 'dead-code', 'schema', 'lockfile']) {
      const result = await check(name);
      expect(result.ok, result.text).toBe(true);
    }
  });
});
