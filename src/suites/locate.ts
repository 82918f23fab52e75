import path from 'node:path';

/** Where something failed; null where the text does not say. */
export interface Place {
  readonly file: string | null;
  readonly line: number | null;
}

/** `tests/a.test.ts`, `pkg\mod.py`: has an extension and no spaces around it. */
export function isFileName(text: string): boolean {
  return /^[^\s|<>]*[^\s|<>./\\]\.(?:[cm]?[jt]sx?|py|rb|go|rs|php|java|kt|exs?|vue|svelte|sh|feature)$/.test(
    text,
  );
}

const colonPlace = /(?:file:\/\/)?((?:[A-Za-z]:)?[^\s():"'<>|]+\.[A-Za-z]{1,6}):(\d+)/g;
const pythonPlace = /File "([^"]+)", line (\d+)/g;

/**
 * Finds where a failure happened: the line of `given` (the file the report names) in the stack, else the first
 * place in the stack that is the project's own. Files below the root come back relative to it.
 */
export function locate(
  text: string,
  given: string | undefined,
  where: { readonly root: string; readonly cwd: string },
): Place {
  const places = [...text.matchAll(pythonPlace), ...text.matchAll(colonPlace)]
    .map((match) => ({ file: relativeTo(match[1] ?? '', where), line: Number(match[2]) }))
    .filter(({ file }) => !/(^|\/)node_modules\/|^node:|site-packages\/|(^|\/)internal\//.test(file));
  if (given !== undefined) {
    const file = relativeTo(given, where);
    const own = places.find(
      (place) => place.file === file || place.file.endsWith(`/${file}`) || file.endsWith(`/${place.file}`),
    );
    return { file, line: own?.line ?? null };
  }
  return places[0] ?? { file: null, line: null };
}

function relativeTo(file: string, { root, cwd }: { readonly root: string; readonly cwd: string }): string {
  const absolute = path.resolve(cwd, file.replaceAll('\\', '/'));
  const relative = path.relative(root, absolute);
  return relative === '' || relative.startsWith('..') ? absolute : relative;
}

/** The first lines that say something, at most three and 400 characters. */
export function firstLines(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '');
  return lines.slice(0, 3).join('\n').slice(0, 400).trim();
}
