/** Where each value of a configuration stands, by dotted path; `default` where nothing was written. */
export function listOrigins(value: unknown, at: Readonly<Record<string, string>>): Record<string, string> {
  const origins: Record<string, string> = {};
  const visit = (node: unknown, path: readonly string[], inherited: string): void => {
    const key = path.join('.');
    const origin = (key !== '' && Object.hasOwn(at, key) ? at[key] : undefined) ?? inherited;
    if (key !== '') origins[key] = origin;
    if (typeof node !== 'object' || node === null) return;
    // A mapping that a file opened may hold defaults beside what the file says; a list is of one piece.
    for (const [name, child] of Object.entries(node))
      visit(child, [...path, name], Array.isArray(node) ? origin : 'default');
  };
  visit(value, [], 'default');
  return origins;
}
