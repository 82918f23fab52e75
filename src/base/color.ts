import { styleText } from 'node:util';

const styles = ['bold', 'dim', 'inverse', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan'] as const;

/** ANSI styles by name; each leaves text as it is where colours are off. */
export type Colors = Readonly<Record<(typeof styles)[number], (text: string) => string>>;

/** Styles for one stream: pass whether that stream shows colours (terminal, `NO_COLOR`, `CI`). */
export function createColors(enabled: boolean): Colors {
  const entries = styles.map((name) => [
    name,
    (text: string) => (enabled ? styleText(name, text, { validateStream: false }) : text),
  ]);
  return Object.fromEntries(entries) as Colors;
}
