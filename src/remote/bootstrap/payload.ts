import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { cacheDir, makeDir, packageRoot, replaceFile } from '../../base/index.ts';

/**
 * What a box does not need: `dist/start.js` and its like are parts of main.js again, only quicker to load; the live
 * list of a terminal is drawn at home; from a box nobody goes on to another; and git is called there without simple-git.
 */
const leftOut =
  /^dist\/(meta\.json|(main|remote|start|status|checkpoint)\.js|vendor\/(listr2|node-ssh|simple-git|ssh2|ssh-config)\..*)$/;
/** What stands in the place of dist/main.js there. */
const boxMain = 'dist/box.js';
/** How long payloads of other builds stay in the cache. */
const keptMs = 7 * 86_400_000;
const kept = ['bin', 'dist', 'layouts', 'schema'];

/** This package as one compressed file. The same build gives the same bytes; made once, then kept in the cache. */
export function makePayload(build: string, env: NodeJS.ProcessEnv): string {
  const file = path.join(cacheDir(env), 'payloads', `${build}.br`);
  if (!existsSync(file)) writeWhole(file, packTexts(readPackage(packageRoot())));
  return file;
}

/**
 * Texts by path as the node on the box unpacks them: brotli over a line of JSON with each path and its length, then
 * the texts just as they are. With all of it as JSON, quotes and line breaks would stand for two characters each.
 */
export function packTexts(texts: Readonly<Record<string, string>>): Buffer {
  const head = JSON.stringify(Object.entries(texts).map(([name, { length }]) => [name, length]));
  const all = Buffer.from(`${head}\n${Object.values(texts).join('')}`);
  const params = {
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: all.length,
  };
  return brotliCompressSync(all, { params });
}

/** The files of the package by path, in a fixed order. */
export function readPackage(root: string): Readonly<Record<string, string>> {
  const names = kept.flatMap((dir) =>
    readdirSync(path.join(root, dir), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))),
  );
  const chosen = [...names, 'package.json'].filter((name) => !leftOut.test(name)).toSorted();
  return Object.fromEntries(
    chosen.map((name) => [
      name === boxMain ? 'dist/main.js' : name,
      shorten(name, readFileSync(path.join(root, name), 'utf8')),
    ]),
  );
}

/** What of package.json a package that is only run has a use for. */
const ofPackage = ['name', 'version', 'type', 'license'];

function shorten(name: string, text: string): string {
  // Of the program that starts it all, the only one that is sent as it was written: its comments are for home.
  if (name.startsWith('bin/')) return text.replaceAll(/^ *\/\/.*\n/gm, '');
  if (!name.endsWith('.json')) return text;
  return JSON.stringify(JSON.parse(text), name === 'package.json' ? ofPackage : undefined);
}

/** Puts a file of the cache in place: whole or not at all; older ones of its folder go. */
function writeWhole(file: string, bytes: Buffer): void {
  const dir = path.dirname(file);
  makeDir(dir);
  replaceFile(file, bytes);
  const old = statSync(file).mtimeMs - keptMs;
  for (const name of readdirSync(dir)) {
    const other = path.join(dir, name);
    if ((statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? old) < old) rmSync(other, { force: true });
  }
}
