import { existsSync } from 'node:fs';
import { errnoOf, run, self, supervise, type Clock } from '../base/index.ts';
import type { Project } from '../config/index.ts';
import type { NightlyReport } from './types.ts';

/** What is told: the report less what makes it long. */
export interface News {
  /** For chat services that show one text. */
  readonly text: string;
  readonly kind: 'failure' | 'recovery';
  readonly project: string;
  readonly host: string;
  readonly outcome: string;
  readonly summary: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly report: string;
}

interface NotifyDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
}

type Notified = NightlyReport['notified'][number];

const hookMs = 60_000;
const webhookMs = 10_000;
const pausesMs = [1000, 4000];

/** What of a night is worth telling; `report` is the path of its Markdown. undefined: nothing is. */
export function newsFrom(report: NightlyReport, file: string): News | undefined {
  if (report.news === null) return undefined;
  const { project, host, outcome, summary, startedAt, durationMs } = report;
  const word = report.news === 'recovery' ? 'works again' : 'needs a look';
  return {
    text: `${project} on ${host} ${word}: ${summary}`,
    kind: report.news,
    project,
    host,
    outcome,
    summary,
    startedAt,
    durationMs,
    report: file,
  };
}

/** Tells everybody who is configured, all at once. Never throws: who could not be told is in the result. */
export async function notify(deps: NotifyDeps, project: Project, news: News): Promise<readonly Notified[]> {
  const { command, webhook, desktop } = project.config.nightly.notify;
  const told = await Promise.all([
    command === undefined ? undefined : tellCommand(deps, project, command, news),
    webhook === undefined ? undefined : tellWebhook(deps, webhook, news),
    desktop ? tellDesktop(deps, news) : undefined,
  ]);
  return told.filter((one) => one !== undefined);
}

/** The hook gets the news in its environment, and as JSON on its standard input. */
async function tellCommand(
  { env }: NotifyDeps,
  project: Project,
  command: string,
  news: News,
): Promise<Notified> {
  const ended = await supervise(command, {
    cwd: project.root,
    env: {
      ...env,
      ...project.config.env,
      DEVENV_NIGHTLY_KIND: news.kind,
      DEVENV_NIGHTLY_OUTCOME: news.outcome,
      DEVENV_NIGHTLY_SUMMARY: news.summary,
      DEVENV_NIGHTLY_REPORT: news.report,
      DEVENV_NIGHTLY_PROJECT: news.project,
    },
    input: `${JSON.stringify(news)}\n`,
    timeoutMs: hookMs,
  });
  if (ended.code === 0) return { by: 'command', ok: true, why: null };
  const how = ended.reason === 'timeout' ? `not done after ${hookMs / 1000} s` : `exit ${ended.code ?? '?'}`;
  const said = ended.tail.trim().split('\n').at(-1) ?? '';
  return { by: 'command', ok: false, why: said === '' ? how : `${how}: ${said}` };
}

/** The address often is the secret: of it only the host is told. */
async function tellWebhook({ clock }: NotifyDeps, url: string, news: News): Promise<Notified> {
  let why = '';
  for (const pauseMs of [0, ...pausesMs]) {
    await clock.sleep(pauseMs);
    const answer = await post(url, news);
    if (answer.ok) return { by: 'webhook', ok: true, why: null };
    why = answer.why;
    if (!answer.again) break;
  }
  return { by: 'webhook', ok: false, why: `${URL.parse(url)?.host ?? 'the address'}: ${why}` };
}

async function post(
  url: string,
  news: News,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly again: boolean; readonly why: string }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(news),
      signal: AbortSignal.timeout(webhookMs),
    });
    await response.body?.cancel();
    if (response.ok) return { ok: true };
    const again = response.status >= 500 || response.status === 429 || response.status === 408;
    return { ok: false, again, why: `it answered ${response.status}` };
  } catch (error) {
    // Its own text may hold the address.
    const cause = error instanceof Error ? errnoOf(error.cause) : undefined;
    const late = error instanceof Error && error.name === 'TimeoutError';
    return { ok: false, again: true, why: late ? 'no answer in time' : (cause ?? 'it cannot be reached') };
  }
}

/** undefined: there is no desktop, or nothing that can show it. */
async function tellDesktop({ env }: NotifyDeps, news: News): Promise<Notified | undefined> {
  const bus = `/run/user/${self.uid}/bus`;
  const address = env['DBUS_SESSION_BUS_ADDRESS'] ?? (existsSync(bus) ? `unix:path=${bus}` : undefined);
  if (!env['DISPLAY'] && !env['WAYLAND_DISPLAY'] && address === undefined) return undefined;
  const urgency = news.kind === 'failure' ? 'critical' : 'normal';
  const title = `devenv: ${news.project} ${news.kind === 'failure' ? news.outcome : 'works again'}`;
  const shown = await run(
    ['notify-send', '--app-name=devenv', `--urgency=${urgency}`, '--', title, news.summary],
    {
      env: address === undefined ? env : { ...env, DBUS_SESSION_BUS_ADDRESS: address },
      timeoutMs: 5000,
    },
  );
  if (shown.reason === 'missing') return undefined;
  if (shown.ok) return { by: 'desktop', ok: true, why: null };
  return { by: 'desktop', ok: false, why: shown.stderr.trim().split('\n')[0] || `exit ${shown.code ?? '?'}` };
}
