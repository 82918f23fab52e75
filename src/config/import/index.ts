import path from 'node:path';
import { DevenvError } from '../../base/index.ts';
import { readProcfile } from '../detect/procfile.ts';
import { parseYaml } from '../parse.ts';
import { tmuxinator } from './tmuxinator.ts';
import { tmuxp } from './tmuxp.ts';
import type { Imported, Importer, ImportTarget } from './types.ts';

const procfile: Importer = {
  recognises: (fileName) => /^Procfile(\..+)?$|\.procfile$/i.test(fileName),
  read: (_parsed, text) => {
    const { windows, remarks } = readProcfile(text);
    return { layout: 'api', windows, left: remarks };
  },
};

/** Files of other tools that `init --from` understands. One more is one more line. */
const importers = { procfile, tmuxp, tmuxinator } as const satisfies Record<string, Importer>;

export interface ImportResult extends Imported {
  readonly tool: string;
}

/** Reads a file of another tool. @throws DevenvError 'config' (no YAML), 'usage' (no file that is known) */
export function importText(file: string, text: string, target: ImportTarget): ImportResult {
  const fileName = path.basename(file);
  const parsed: unknown = procfile.recognises(fileName, undefined)
    ? undefined
    : parseYaml(fileName, withoutErb(text)).value;
  const known = Object.entries(importers).find(([, importer]) => importer.recognises(fileName, parsed));
  if (!known)
    throw new DevenvError(
      'usage',
      `${file} is no file of tmuxinator, tmuxp or Procfile`,
      'tmuxinator has name and windows, tmuxp has session_name and windows',
    );
  const [tool, importer] = known;
  const imported = importer.read(parsed, text, target);
  if (Object.keys(imported.windows).length === 0)
    throw new DevenvError('usage', `${file} has no windows to import`, 'name a file that starts something');
  const left = text.includes('<%') ? ['<% %> templates are left out', ...imported.left] : imported.left;
  return { ...imported, left, tool };
}

/** tmuxinator files may be ERB templates: lines that only steer go, an inserted value cannot be known. */
function withoutErb(text: string): string {
  return text.replaceAll(/^[ \t]*<%[^=].*?%>[ \t]*$/gm, '').replaceAll(/<%=?.*?%>/gs, '');
}
