import { DevenvError } from '../../base/index.ts';
import { lineFor, missingTools } from './advice.ts';
import { planInstall, type Build } from './plan.ts';
import type { Probe } from './probe.ts';

/** What a look at one thing of a box found; as the findings of `devenv doctor`. */
export interface BoxFinding {
  readonly name: string;
  readonly ok: boolean;
  readonly level: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly remedy: string;
}

/** What the checks compare the box with. */
export interface CheckedBy {
  readonly build: Build;
  readonly nowMs: number;
}

type Look = (name: string, probe: Probe, by: CheckedBy) => BoxFinding | readonly BoxFinding[];

const fine = (name: string, message: string): BoxFinding => ({
  name,
  ok: true,
  level: 'info',
  message,
  remedy: '',
});
const amiss = (level: 'error' | 'warning', name: string, message: string, remedy: string): BoxFinding => ({
  name,
  ok: false,
  level,
  message,
  remedy,
});

const mostSkewS = 120;

/** Could devenv be installed there, or is it? */
const install: Look = (host, probe, { build }) => {
  try {
    const plan = planInstall(host, probe, build);
    if (plan.kind === 'ready') return fine('devenv', `${build.id}, with ${plan.node}`);
    const node = plan.node.kind === 'there' ? `its Node ${plan.node.version}` : 'a Node that is sent along';
    const others = probe.builds.length > 0 ? `; it has ${probe.builds.join(', ')}` : '';
    return fine('devenv', `not there yet: comes at first use, and runs with ${node}${others}`);
  } catch (error) {
    if (!(error instanceof DevenvError)) throw error;
    return amiss('error', 'devenv', error.message, error.hint ?? '');
  }
};

const tools: Look = (_, probe) => {
  const missing = missingTools(probe);
  return (['tmux', 'git'] as const).map((tool) => {
    const said = tool === 'tmux' ? probe.tmuxVersion : probe.gitVersion;
    if (!missing.includes(tool)) return fine(tool, `${said ?? tool} (${probe.tools[tool] ?? ''})`);
    const message = said === undefined ? 'not installed' : `${said} is too old: devenv needs 3.2a or newer`;
    return amiss('error', tool, message, `there: ${lineFor(probe, [tool])}`);
  });
};

const disk: Look = (_, { freeKb, where, freeInodes }) =>
  freeKb === undefined
    ? []
    : fine(
        'disk',
        `${(freeKb / 1024 / 1024).toFixed(1)} GB free in ${where}${freeInodes === undefined ? '' : `, ${freeInodes} inodes`}`,
      );

const loginPath: Look = (_, { path, shell }) =>
  path === undefined
    ? amiss(
        'warning',
        'login shell',
        `${shell} did not tell its PATH within 5 s: tools that only its setup makes known are not found`,
        `does ${shell} -lic env end by itself there?`,
      )
    : fine('login shell', `${shell}, PATH ${path}`);

const locale: Look = (_, { locale, utf8 }) => {
  if (/utf-?8/i.test(locale)) return fine('locale', locale);
  if (utf8 !== undefined) return fine('locale', `${locale || 'none set'}; ${utf8} is there and is used`);
  return amiss(
    'warning',
    'locale',
    'no UTF-8 locale: other letters than ASCII may come out wrong',
    'there: install one (Debian: sudo apt-get install -y locales; C.UTF-8 comes with libc-bin)',
  );
};

const lingering: Look = (_, { linger, killsUserProcesses }) =>
  linger === false && killsUserProcesses
    ? amiss(
        'warning',
        'logout',
        'the box ends all processes of a user who logs out, so the session would end too',
        'there: loginctl enable-linger',
      )
    : linger === undefined
      ? []
      : fine('logout', `sessions stay${linger ? ' (linger is on)' : ''}`);

const cron: Look = (_, { crontab }) => {
  if (crontab === 'yes') return fine('crontab', 'can be used');
  return crontab === undefined
    ? fine('crontab', 'not installed: only needed for devenv cron')
    : amiss(
        'warning',
        'crontab',
        crontab.replace(/^no /, ''),
        'devenv cron cannot use it; its owner says who may (cron.allow)',
      );
};

const clock: Look = (_, probe, { nowMs }) => {
  if (probe.clock === undefined) return [];
  const skew = Math.round(probe.clock - nowMs / 1000);
  if (Math.abs(skew) <= mostSkewS) return fine('clock', `${probe.zone}, right`);
  return amiss(
    'warning',
    'clock',
    `${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'} of this machine: times of checkpoints will not agree`,
    'there: sudo timedatectl set-ntp true',
  );
};

const terminal: Look = (_, { terminfo }) =>
  terminfo === false
    ? fine('terminal', 'does not know this terminal; xterm-256color is used there')
    : terminfo === undefined
      ? []
      : fine('terminal', 'known there');

const system: Look = (_, { release, os, arch, libc, glibcVersion }) =>
  fine(
    'system',
    `${release.name || os}, ${arch}, ${libc === 'glibc' ? `glibc ${glibcVersion ?? ''}` : libc}`,
  );

const looks: readonly Look[] = [
  system,
  install,
  tools,
  disk,
  loginPath,
  locale,
  terminal,
  lingering,
  cron,
  clock,
];

/** A box's probe as a checklist. */
export function checkBox(name: string, probe: Probe, by: CheckedBy): readonly BoxFinding[] {
  return looks.flatMap((look) => look(name, probe, by));
}
