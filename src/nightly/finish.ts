import { writeFileSync } from 'node:fs';
import type { Project } from '../config/index.ts';
import { refreshJob, writeNights, type Night } from '../cron/index.ts';
import { composeReport } from './compose.ts';
import { renderMarkdown } from './markdown.ts';
import { newsFrom, notify } from './notify.ts';
import { isBad, newsOf } from './outcome.ts';
import { claimReport, reportDir, tidy } from './places.ts';
import type { NightlyDeps, NightlyReport, Outcome } from './types.ts';

export interface Finished {
  readonly report: NightlyReport;
  /** The report's path without `.md` or `.json`. */
  readonly file: string;
}

interface ToFinish {
  readonly composed: NightlyReport;
  readonly file: string;
  readonly last: Night | undefined;
}

/** Writes the report, tells the news, and writes what came of that too. */
export async function finish(
  deps: NightlyDeps,
  project: Project,
  { composed, file, last }: ToFinish,
): Promise<NightlyReport> {
  const { outcome } = composed;
  const first = { ...composed, news: newsOf(outcome, last) };
  write(file, first);
  const night: Night = {
    startedAt: Date.parse(composed.startedAt),
    endedAt: Date.parse(composed.endedAt),
    outcome,
    bad: isBad(outcome),
    report: file,
  };
  writeNights(deps.store, project.id, { last: night, running: undefined });
  deps.store.addEvent(project.id, 'nightly', { outcome, report: file, text: composed.summary });
  deps.log.info({ outcome, report: file }, composed.summary);
  const news = newsFrom(first, `${file}.md`);
  const notified = news ? await notify(deps, project, news) : [];
  const silent = notified.filter(({ ok }) => !ok).map(({ by, why }) => `${by} was not told: ${why ?? '?'}`);
  const report = { ...first, notified, warnings: [...first.warnings, ...silent] };
  if (notified.length > 0) write(file, report);
  tidy(reportDir(deps.env, project), deps.clock.now(), project.config.nightly.keepReportsMs);
  await refreshJob(deps, project.id);
  return report;
}

function write(file: string, report: NightlyReport): void {
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  writeFileSync(`${file}.md`, renderMarkdown(report), { mode: 0o600 });
}

/** Another run is under way: that is noted, and nothing else. */
export function writeSkipped(
  deps: NightlyDeps,
  project: Project,
  about: {
    readonly caughtUp: boolean;
    readonly holder: { readonly pid: number | undefined; readonly startedAt: number | undefined };
  },
): Finished {
  const now = deps.clock.now();
  const { pid, startedAt } = about.holder;
  const since = startedAt === undefined ? '' : ` since ${new Date(startedAt).toISOString()}`;
  const why = `another nightly run is under way${since}${pid === undefined ? '' : ` (pid ${pid}): kill ${pid} ends it`}`;
  const file = claimReport(reportDir(deps.env, project), now);
  const outcome: Outcome = 'skipped';
  const report = composeReport(
    { outcome, why, checklist: [], warnings: [] },
    {
      project,
      startedAt: now,
      endedAt: now,
      durationMs: 0,
      caughtUp: about.caughtUp,
      log: null,
      before: [],
      mask: (text) => text,
    },
  );
  write(file, report);
  deps.store.addEvent(project.id, 'nightly', { outcome, report: file, text: report.summary });
  return { report, file };
}
