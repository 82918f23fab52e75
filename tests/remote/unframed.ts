/** The script in a framed command again, as the box's sh reads it. */
export const unframed = (command: string): string =>
  Buffer.from(
    (/printf %b "([^"]*)"/.exec(command)?.[1] ?? '').replaceAll(/\\(?:0(\d{3})|n)/g, (_, octal?: string) =>
      octal === undefined ? '\n' : String.fromCharCode(Number.parseInt(octal, 8)),
    ),
    'latin1',
  ).toString();
