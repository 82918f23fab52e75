/** What a project without devenv.yaml holds: the file `init` would write, and one line for each finding. */
export function detectProject(_root: string, layout?: string): { text: string; found: readonly string[] } {
  return { text: `layout: ${layout ?? 'minimal'}\n`, found: [] };
}
