import { existsSync, openSync, closeSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { ensureDir, errnoOf, stateDir } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import type { NightlyReport } from './types.ts';

/** The folder of a project's reports: `<state dir>/nightly/<session name>-<id>`; it stays when the project is renamed. */
export function reportDir(env: NodeJS.ProcessEnv, project: Pick<Project, 'id' | 'sessionName'>): string {
  const all = path.join(stateDir(env), 'nightly');
  const known = existsSync(all)
    ? readdirSync(all).find((name) => name.endsWith(`-${project.id}`))
    : undefined;
  return path.join(all, known ?? `${project.sessionName}-${project.id}`);
}

const reportName = /^\d{8}-\d{6}(-\d+)?\.json$/;

/** Takes a name that nobody has, by making its log; returns the path without an ending. */
export function claimReport(dir: string, now: number): string {
  ensureDir(dir);
  const stamp = new Date(now).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  for (let n = 1; ; n++) {
    const base = path.join(dir, n === 1 ? stamp : `${stamp}-${n}`);
    try {
      closeSync(openSync(`${base}.log`, 'wx', 0o600));
      return base;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** The newest reports, newest first. What cannot be read is left out. */
export function readReports(dir: string, limit: number): readonly NightlyReport[] {
  const names = existsSync(dir) ? readdirSync(dir).filter((name) => reportName.test(name)) : [];
  const found: NightlyReport[] = [];
  for (const name of names.sort(byTime).reverse()) {
    if (found.length >= limit) break;
    const report = readReport(path.join(dir, name));
    if (report) found.push(report);
  }
  return found;
}

// `20260102-030405-2` is the one after `20260102-030405`.
function byTime(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => name.replace(/\.json$/, '').split('-'));
  const number = (parts: readonly string[] | undefined): number => Number(`${parts?.[0]}${parts?.[1]}`);
  return number(x) - number(y) || Number(x?.[2] ?? 1) - Number(y?.[2] ?? 1);
}

function readReport(file: string): NightlyReport | undefined {
  try {
    const report: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isReport(report) ? report : undefined;
  } catch {
    return undefined; // cut short, or somebody else's
  }
}

/** When the run of a file began, by its name. */
function timeOf(name: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)/.exec(name) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

function isReport(value: unknown): value is NightlyReport {
  return typeof value === 'object' && value !== null && 'version' in value && value.version === 1;
}

const keptLogs = 30;
const keptLogBytes = 50 * 1024 * 1024;

/** Removes reports older than `keepMs`, and logs beyond the newest thirty or beyond 50 MB together. */
export function tidy(dir: string, now: number, keepMs: number): void {
  const files = readdirSync(dir).filter((name) => /^\d{8}-\d{6}(-\d+)?\.(json|md|log)$/.test(name));
  const info = files.map((name) => ({ name, size: statSync(path.join(dir, name)).size }));
  const isLog = ({ name }: { readonly name: string }): boolean => name.endsWith('.log');
  const old = info.filter((one) => !isLog(one) && now - timeOf(one.name) > keepMs);
  let total = 0;
  const tooMuch = info
    .filter(isLog)
    .toSorted((a, b) => b.name.localeCompare(a.name))
    .filter(({ size }, n) => {
      total += size;
      // The newest one is this night's.
      return n > 0 && (n >= keptLogs || total > keptLogBytes);
    });
  for (const { name } of [...old, ...tooMuch]) rmSync(path.join(dir, name), { force: true });
}
