import { draftText } from '../draft.ts';
import { detectCompose } from './compose.ts';
import { filesOf } from './files.ts';
import { detectGo } from './go.ts';
import { detectNode } from './node.ts';
import { detectProcfile } from './procfile.ts';
import { detectPython } from './python.ts';
import { detectRust } from './rust.ts';
import { byFreeName, type Detector, type Draft, type Files, type Finding } from './types.ts';

/** What devenv knows to look for, the most telling first. One more kind of project is one more line. */
const detectors = {
  'Procfile.dev': (files) => (files.has('Procfile.dev') ? detectProcfile(files) : undefined),
  node: detectNode,
  python: detectPython,
  rust: detectRust,
  go: detectGo,
  // A plain Procfile says how it is deployed: only where nothing says how it is developed.
  Procfile: (files) => (files.has('Procfile.dev') ? undefined : detectProcfile(files)),
  compose: detectCompose,
} as const satisfies Record<string, Detector>;

/** What a project without devenv.yaml holds: the file `init` would write, and one line for each finding. */
export function detectProject(root: string, layout?: string): { text: string; found: readonly string[] } {
  const draft = detectDraft(filesOf(root), layout);
  return { text: draftText(root, draft), found: draft.found };
}

/** The configuration that suits these files. `layout` goes over the one that detection would choose. */
export function detectDraft(files: Files, layout?: string): Draft {
  const findings: Finding[] = [];
  for (const [kind, detect] of Object.entries(detectors)) {
    const finding = detect(files);
    if (!finding) continue;
    if (kind === 'Procfile' && findings.some(({ windows }) => Object.keys(windows).length > 0)) continue;
    findings.push(finding);
  }
  const windows = combine(findings.map((finding) => finding.windows));
  return {
    layout:
      layout ??
      ('api' in windows && 'ui' in windows && findings.length > 1
        ? 'web'
        : (findings[0]?.layout ?? 'minimal')),
    windows,
    suites: combine(findings.map((finding) => finding.suites)),
    gates: combine(findings.map((finding) => finding.gates ?? {})),
    found: findings.flatMap((finding) => finding.found),
  };
}

/** Entries of all findings; a name that is taken gets a number, so that nothing found is lost. */
function combine<T>(sections: readonly Readonly<Record<string, T>>[]): Record<string, T> {
  return byFreeName(sections.flatMap((section) => Object.entries(section)));
}
