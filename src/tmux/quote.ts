/**
 * One argument of a command in a sourced file. Single quotes keep everything but a newline, after
 * which tmux drops blanks and comments even inside quotes, so line ends are written as escapes.
 */
function quote(arg: string): string {
  if (/^[\w@%+=,./-]+$/.test(arg) && !arg.startsWith('%') && !arg.includes('=')) return arg;
  const inner = arg.replaceAll("'", `'\\''`).replaceAll('\n', `'"\\n"'`).replaceAll('\r', `'"\\r"'`);
  return `'${inner}'`;
}

/** A text that tmux expands as a format (`-c`, `-n`, `-s`, menus), so that it comes out as it is: `#(x)` would run x. */
export function format(text: string): string {
  return text.replaceAll('#', '##');
}

/** One command of a sourced file. */
export function command(...args: readonly string[]): string {
  return args.map(quote).join(' ');
}

/** Commands on one line: the first that fails ends the rest, which separate lines of a file do not. */
export function sequence(commands: readonly (readonly string[])[]): string {
  return commands.map((args) => command(...args)).join(' ; ');
}

/** An option's value without control characters, which would break the lines and columns of a listing. */
export function encodeMark(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001f\u007f%]/g,
    (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Undoes `encodeMark`. */
export function decodeMark(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
