/**
 * The line coverage in per cent that a report tells: LCOV, Cobertura, or istanbul's json-summary, known by what
 * is in it. undefined when it is none of them or counts no line.
 */
export function readCoverage(text: string): number | undefined {
  const start = text.trimStart();
  if (start.startsWith('{')) return fromSummary(start);
  if (start.startsWith('<')) return fromCobertura(start);
  return fromLcov(text);
}

/** The files that a report counts, as it names them: relative to some folder, or absolute. */
export function coveredFiles(text: string): readonly string[] {
  const start = text.trimStart();
  if (start.startsWith('{')) return Object.keys(parsed(start) ?? {}).filter((name) => name !== 'total');
  const pattern = start.startsWith('<') ? /<class\b[^>]*?\bfilename="([^"]*)"/g : /^SF:(.*?)\r?$/gm;
  return [...new Set(Array.from(text.matchAll(pattern), ([, name = '']) => name))];
}

/** Counted from the DA records where there are any: a file that appears twice is covered where either says so. */
function fromLcov(text: string): number | undefined {
  const lines = new Map<string, boolean>();
  let file = '';
  let found = 0;
  let hit = 0;
  for (const line of text.split('\n')) {
    const [key, value] = split(line.trimEnd());
    if (key === 'SF') file = value;
    else if (key === 'DA') {
      const [number = '', count = '0'] = value.split(',');
      const id = `${file}\0${number}`;
      lines.set(id, lines.get(id) === true || Number(count) > 0);
    } else if (key === 'LF') found += Number(value);
    else if (key === 'LH') hit += Number(value);
  }
  if (lines.size > 0) return percent([...lines.values()].filter(Boolean).length, lines.size);
  return percent(hit, found);
}

function split(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
}

function fromCobertura(xml: string): number | undefined {
  const root = /<coverage\b[^>]*>/.exec(xml)?.[0];
  if (root === undefined) return undefined;
  const number = (name: string): number =>
    Number(new RegExp(`\\b${name}="([\\d.]+)"`).exec(root)?.[1] ?? Number.NaN);
  const exact = percent(number('lines-covered'), number('lines-valid'));
  const rate = number('line-rate') * 100;
  return exact ?? (Number.isFinite(rate) ? rate : undefined);
}

function fromSummary(text: string): number | undefined {
  const pct = member(member(member(parsed(text), 'total'), 'lines'), 'pct');
  return typeof pct === 'number' ? pct : undefined;
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
  return found > 0 && Number.isFinite(hit) ? (hit / found) * 100 : undefined;
}
