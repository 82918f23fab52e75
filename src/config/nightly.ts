import { asList, type Reader } from './reader.ts';
import type { Written } from './schema.ts';
import type { Config, NightlyConfig } from './types.ts';
import { choices } from './words.ts';

/** What the nightly run does; without lists it runs every suite and every gate. */
export function readNightly(
  reader: Reader,
  written: Written,
  { suites, gates }: Pick<Config, 'suites' | 'gates'>,
): NightlyConfig {
  const nightly = written.nightly ?? {};
  const at = (key: string): string[] => ['nightly', key];
  const all = (items: readonly { readonly name: string }[]): readonly string[] =>
    items.map(({ name }) => name);
  const timeoutMs = reader.durationMs(at('timeout'), nightly.timeout ?? 0);
  if (timeoutMs < 1000) reader.problem(at('timeout'), 'nightly.timeout must be at least 1s');
  const { command, webhook, desktop = true } = nightly.notify ?? {};
  return {
    at: nightly.at === undefined ? undefined : readTime(reader, nightly.at),
    timeoutMs,
    suites: nightly.suites === undefined ? all(suites) : asList(nightly.suites),
    gates: nightly.gates === undefined ? all(gates) : asList(nightly.gates),
    minDiskBytes: reader.bytes(at('min_disk'), nightly.min_disk ?? 0),
    onFailure: reader.word(at('on_failure'), nightly.on_failure ?? 'reset', choices.nightlyOnFailure),
    keepReportsMs: reader.ageMs(at('keep_reports'), nightly.keep_reports ?? 0),
    notify: { command, webhook: webhook === undefined ? undefined : readUrl(reader, webhook), desktop },
  };
}

function readTime(reader: Reader, text: string): string {
  if (!/^([01]?\d|2[0-3]):[0-5]\d$/.test(text))
    reader.problem(
      ['nightly', 'at'],
      `nightly.at must be a time of day from "00:00" to "23:59", not ${JSON.stringify(text)}`,
    );
  return text.padStart(5, '0');
}

// The text itself is not told: such an address often is a secret.
function readUrl(reader: Reader, text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ''))
    reader.problem(['nightly', 'notify', 'webhook'], 'nightly.notify.webhook must be an http or https URL');
  return text;
}
