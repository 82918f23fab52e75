/** Strings to the terminal (titles, links, images): OSC, DCS, SOS, PM, APC, ended or cut off. */
const strings =
  /(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C|$)/g;
const csi = /(?:\u001B\[|\u009B)([0-?]*)([ -/]*[@-~]|$)/g;
const escapes = /\u001B[ -/]*[0-~]?/g;
/** Sentinels of colours that stay, while everything else that begins with an escape goes. */
const kept = '\u0000';
const controls = /[\u0001-\u0008\u000A-\u001F\u007F-\u009F]/g;

/**
 * A line of a log as it may be shown: without anything that moves the cursor, clears the screen,
 * sets a title or rings; of a progress line (`\r`) only its last state. Colours stay when asked for.
 */
export function cleanText(raw: string, colors: boolean): string {
  const last = raw.includes('\r') ? (raw.split('\r').findLast((part) => part !== '') ?? '') : raw;
  const plain = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/.test(last);
  if (!plain) return last;
  let styled = false;
  const text = last
    .replaceAll(kept, '')
    .replace(strings, '')
    .replace(csi, (_all, params: string, final: string) => {
      if (!colors || final !== 'm' || !/^[\d;:]*$/.test(params)) return '';
      styled = true;
      return `${kept}${params}m`;
    })
    .replace(escapes, '')
    .replace(controls, '')
    .replaceAll(kept, '\u001B[');
  return styled ? `${text}\u001B[0m` : text;
}
