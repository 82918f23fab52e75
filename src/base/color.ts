import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'inverse' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/** ANSI styles by name; each leaves text as it is where colours are off. */
export type Colors = Readonly<Record<Style, (text: string) => string>>;

/** Whether these show colours: what others print then keeps its own. */
export const showsColors = (colors: Colors): boolean => colors.dim('x') !== 'x';

/** Styles for one stream: pass whether that stream shows colours (terminal, `NO_COLOR`, `CI`). */
export function createColors(enabled: boolean): Colors {
  const style = (name: Style) => (text: string) =>
    enabled ? styleText(name, text, { validateStream: false }) : text;
  return {
    bold: style('bold'),
    dim: style('dim'),
    inverse: style('inverse'),
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    blue: style('blue'),
    magenta: style('magenta'),
    cyan: style('cyan'),
  };
}
