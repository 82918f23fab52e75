/** Commands that a hint may name and that work with --host. */
const named =
  'start|attach|status|stop|restart|run|logs|ports|test|gate|checkpoint|checkpoints|diff|rollback|undo|bisect|prune|doctor|cron|nightly';

/** `devenv undo` in what a box says means the box: who types it here must say so. */
export function addressTo(host: string, text: string): string {
  const plain = /^[\w@.:/-]+$/.test(host) ? host : JSON.stringify(host);
  return text.replace(
    new RegExp(`\\bdevenv (cron (?:install|list|remove)|${named})\\b(?! --host)(?![\\w-])`, 'g'),
    (_, command: string) => `devenv ${command} --host ${plain}`,
  );
}

/** Passes a stream on in whole lines, each put through `change`; `end` gives what is left. */
export function byLine(
  change: (text: string) => string,
  give: (text: string) => void,
): { readonly push: (chunk: Buffer) => void; readonly end: () => void } {
  const decoder = new TextDecoder();
  let rest = '';
  const pass = (text: string): void => {
    if (text !== '') give(change(text));
  };
  return {
    push: (chunk) => {
      rest += decoder.decode(chunk, { stream: true });
      const at = rest.lastIndexOf('\n') + 1;
      pass(rest.slice(0, at));
      rest = rest.slice(at);
    },
    end: () => {
      pass(rest + decoder.decode());
      rest = '';
    },
  };
}
