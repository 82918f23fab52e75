/**
 * Content that shows when it is torn: a file is a row of blocks, each with the same token at its beginning and
 * its end and its length inside. What a reader got is a state the file once had when it is whole blocks.
 */
export function block(token: string, length: number): string {
  const head = `<${token} ${String(length).padStart(6, '0')}\n`;
  const tail = `\n${token}>\n`;
  return head + '.'.repeat(Math.max(0, length - head.length - tail.length)) + tail;
}

/** The tokens of the blocks, or what is wrong with them. */
export function readBlocks(content: string): { readonly tokens: readonly string[]; readonly torn?: string } {
  const tokens: string[] = [];
  for (let at = 0; at < content.length;) {
    const [, token = '', length = ''] = /^<(\S+) (\d{6})\n/.exec(content.slice(at, at + 80)) ?? [];
    const end = at + Number(length);
    if (token === '') return { tokens, torn: `no block begins at ${at} of ${content.length}` };
    if (content.slice(at, end) !== block(token, Number(length)))
      return { tokens, torn: `the block of ${token} at ${at} is not whole (${content.length} bytes)` };
    tokens.push(token);
    at = end;
  }
  return { tokens };
}
