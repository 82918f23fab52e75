import { showName } from '../base/index.ts';

/** What a report is like that tells no coverage; it follows the report's name. */
const noReport = 'is no LCOV, Cobertura or json-summary report with lines in it';
const cutOff = 'is cut off';

/**
 * The line coverage in per cent that a report tells: LCOV, Cobertura, or istanbul's json-summary, known by what
 * is in it. Words, when it is none of them, counts no line, ends too early, or counts what cannot be.
 */
export function readCoverage(text: string): number | string {
  const start = text.trimStart();
  const read = start.startsWith('{') ? fromSummary : start.startsWith('<') ? fromCobertura : fromLcov;
  return read(start) ?? noReport;
}

/** The files that a report counts, as it names them: relative to some folder, or absolute. */
export function coveredFiles(text: string): readonly string[] {
  const start = text.trimStart();
  if (start.startsWith('{')) return Object.keys(parsed(start) ?? {}).filter((name) => name !== 'total');
  const pattern = start.startsWith('<') ? /<class\b[^>]*?\bfilename="([^"]*)"/g : /^SF:(.*?)\r?$/gm;
  return [...new Set(Array.from(text.matchAll(pattern), ([, name = '']) => name))];
}

/** Counted from the DA records where there are any: a file that appears twice is covered where either says so. */
function fromLcov(text: string): number | string | undefined {
  const lines = new Map<string, boolean>();
  let file: string | undefined;
  let counts: Record<string, string> = {};
  let found = 0;
  let hit = 0;
  for (const line of text.split('\n')) {
    const [key, value] = split(line.trimEnd());
    if (key === 'SF' && file !== undefined) break;
    if (key === 'SF') file = value;
    else if (key === 'DA') {
      const [number = '', count = ''] = value.split(',');
      const wrong = whyWrong({ DA: count }, 'DA', '');
      if (wrong !== undefined) return wrong;
      const id = `${file}\0${number}`;
      lines.set(id, lines.get(id) === true || Number(count) > 0);
    } else if (key === 'end_of_record') {
      const wrong = whyWrong(counts, 'LH', 'LF') ?? whyWrong(counts, 'BRH', 'BRF');
      if (wrong !== undefined) return wrong;
      found += Number(counts['LF'] ?? 0);
      hit += Number(counts['LH'] ?? 0);
      file = undefined;
      counts = {};
    } else counts[key] = value;
  }
  if (file !== undefined) return `${cutOff}: the record of ${showName(file)} has no end_of_record`;
  if (lines.size > 0) return percent([...lines.values()].filter(Boolean).length, lines.size);
  return percent(hit, found);
}

function split(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
}

type Counts = Readonly<Record<string, unknown>>;

/** What cannot be of two counts: that one is no number, or that more was hit than there is. */
function whyWrong(counts: Counts, hit: string, found: string): string | undefined {
  const shown = (name: string): string => `${name}:${showName(String(counts[name]))}`;
  const wrong = [hit, found].find((name) => {
    const count = counts[name];
    return count !== undefined && (count === '' || !(Number(count) >= 0));
  });
  if (wrong !== undefined) return `cannot be right: ${shown(wrong)}`;
  return Number(counts[hit]) > Number(counts[found])
    ? `cannot be right: ${shown(hit)}, but ${shown(found)}`
    : undefined;
}

function fromCobertura(xml: string): number | string | undefined {
  const root = /<coverage\b[^>]*>/.exec(xml)?.[0];
  if (root === undefined) return undefined;
  if (!root.endsWith('/>') && !xml.includes('</coverage')) return `${cutOff}: it has no </coverage>`;
  const counts: Counts = Object.fromEntries(
    Array.from(root.matchAll(/([\w-]+)="([^"]*)"/g), ([, name, value]) => [name, value]),
  );
  const valid = counts['lines-valid'];
  const exact = percent(Number(counts['lines-covered']), Number(valid));
  const none = valid === undefined ? !/<(class|line)\b/.test(xml) : Number(valid) === 0;
  const rate = Number((Number(counts['line-rate']) * 100).toPrecision(15));
  return (
    whyWrong(counts, 'lines-covered', 'lines-valid') ??
    whyWrong(counts, 'branches-covered', 'branches-valid') ??
    exact ??
    (none ? undefined : asPercent(rate))
  );
}

function fromSummary(text: string): number | string | undefined {
  const read = parsed(text);
  if (read === undefined) return `${cutOff}, or no JSON`;
  const total = member(read, 'total');
  const lines = { ...Object(member(total, 'lines')) };
  const branches = { ...Object(member(total, 'branches')) };
  return (
    whyWrong(lines, 'covered', 'total') ??
    whyWrong(branches, 'covered', 'total') ??
    (lines.total === 0 ? undefined : asPercent(lines.pct))
  );
}

/** Where there is no line, istanbul writes "Unknown", or of old 100, others NaN. */
function asPercent(value: unknown): number | string | undefined {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
  return value >= 0 && value <= 100 ? value : `cannot be right: ${value} %`;
}

function parsed(text: string): object | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? read : undefined;
  } catch {
    return undefined; // half-written or something else: it tells no coverage
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function percent(hit: number, found: number): number | undefined {
  return found > 0 && Number.isFinite(hit) ? (hit * 100) / found : undefined;
}
