/** The terminal this process runs on, for a program that draws it whole. */
export interface Terminal {
  readonly columns: () => number;
  readonly rows: () => number;
  readonly write: (text: string) => void;
  /** Every key pressed, as the terminal sends it (`\u0003` is Ctrl-C, which ends nothing by itself here). */
  readonly onKey: (listener: (key: string) => void) => void;
  readonly onResize: (listener: () => void) => void;
  /** Gives the terminal back as it was. */
  readonly close: () => void;
}

/** Takes the terminal over: keys come one by one and are not shown. undefined where there is none. */
export function openTerminal(): Terminal | undefined {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  const keyListeners: ((key: string) => void)[] = [];
  const resizeListeners: (() => void)[] = [];
  const onData = (chunk: Buffer): void => {
    for (const key of chunk.toString('utf8')) for (const listener of keyListeners) listener(key);
  };
  const onResize = (): void => resizeListeners.forEach((listener) => listener());
  // Whatever ends the process, the user's shell must get a working terminal.
  const restore = (): void => {
    if (stdin.isRaw) stdin.setRawMode(false);
    stdout.write('\u001B[?25h');
  };
  stdin.setRawMode(true);
  stdin.resume().on('data', onData);
  stdout.on('resize', onResize).write('\u001B[?25l');
  process.on('exit', restore);
  return {
    columns: () => stdout.columns,
    rows: () => stdout.rows,
    write: (text) => void stdout.write(text),
    onKey: (listener) => void keyListeners.push(listener),
    onResize: (listener) => void resizeListeners.push(listener),
    close: () => {
      stdin.off('data', onData).pause();
      stdout.off('resize', onResize);
      process.off('exit', restore);
      restore();
    },
  };
}

/** This process's terminal, lent to a program on another machine. */
export interface LentTerminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly onResize: (listener: () => void) => void;
  /** Takes the terminal back; `midway`: the program did not come to put the screen back itself. */
  readonly giveBack: (midway: boolean) => void;
}

/** Leaves the other screen, mouse, paste and focus reports, application keys, colours; shows the cursor. */
const plainScreen =
  '\u001B[?1049l\u001B[?1000l\u001B[?1002l\u001B[?1003l\u001B[?1006l\u001B[?2004l\u001B[?1004l\u001B[?1l\u001B>\u001B[0m\u001B[?25h';

/** Lends the terminal: keys go on as they are typed, Ctrl-C among them. undefined where there is none. */
export function lendTerminal(): LentTerminal | undefined {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) return undefined;
  const resizeListeners: (() => void)[] = [];
  const onResize = (): void => resizeListeners.forEach((listener) => listener());
  const restore = (midway: boolean): void => {
    if (stdin.isRaw) stdin.setRawMode(false);
    if (midway) stdout.write(plainScreen);
  };
  // Whatever ends the process, the user's shell must get a working terminal.
  const onExit = (): void => restore(true);
  stdin.setRawMode(true);
  stdout.on('resize', onResize);
  process.on('exit', onExit);
  return {
    input: stdin,
    output: stdout,
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    onResize: (listener) => void resizeListeners.push(listener),
    giveBack: (midway) => {
      stdin.pause();
      stdout.off('resize', onResize);
      process.off('exit', onExit);
      restore(midway);
    },
  };
}
