import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DevenvError, ensureDir, runBytes, type RunBytesResult } from '../base/index.ts';
import { cronDir } from './places.ts';
import type { CronDeps } from './types.ts';

const keptBackups = 5;
const limitMs = 15_000;

/**
 * This user's crontab, as latin1; '' when there is none.
 * @throws DevenvError 'environment' when that cannot be known for sure: then nothing may be written
 */
export async function readCrontab(deps: CronDeps): Promise<string> {
  const read = await crontab(deps, ['-l']);
  if (read.ok) return read.stdout.toString('latin1');
  if (read.reason === 'missing') throw notInstalled();
  if (read.code !== null && read.stdout.length === 0 && isEmpty(read.stderr)) return '';
  throw explain(read, 'reading');
}

/** Debian, cronie and BSD say `no crontab for NAME`; busybox says that the file is not there. */
const isEmpty = (said: string): boolean =>
  /no crontab for /.test(said) || /^crontab: can't open '[^'/]+': No such file or directory$/m.test(said);

/**
 * Replaces the crontab, if it still is `before`: keeps a copy, writes, reads back, and where that is not what was
 * written, writes the old one again. Never removes a crontab.
 */
export async function writeCrontab(deps: CronDeps, before: string, after: string): Promise<void> {
  const backup = keepBackup(deps, before);
  const written = await feed(deps, after);
  let found: string | undefined;
  try {
    found = await readCrontab(deps);
  } catch {
    found = undefined; // as good as something else: it is put back, and told
  }
  if (found === after) return;
  if (found === before && !written.ok) throw explain(written, 'writing');
  await feed(deps, before);
  const restored = await readCrontab(deps).catch(() => undefined);
  if (restored === before)
    throw new DevenvError(
      'environment',
      `crontab did not keep what was written (${saidBy(written) || 'it said nothing'}); the old crontab is back`,
      'look at crontab -l; a full disk or a limit of the system are likely causes',
    );
  throw new DevenvError(
    'environment',
    `crontab kept neither the new nor the old lines (${saidBy(written) || 'it said nothing'})`,
    `what was there before is in ${backup}: crontab ${backup} puts it back`,
  );
}

function keepBackup({ env, clock }: CronDeps, text: string): string {
  const dir = ensureDir(cronDir(env));
  const stamp = new Date(clock.now()).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 19);
  const file = path.join(dir, `crontab.${stamp}.bak`);
  writeFileSync(file, Buffer.from(text, 'latin1'), { mode: 0o600 });
  const all = readdirSync(dir).filter((name) => /^crontab\..*\.bak$/.test(name));
  for (const old of all.sort().slice(0, -keptBackups)) rmSync(path.join(dir, old), { force: true });
  return file;
}

const feed = (deps: CronDeps, text: string): Promise<RunBytesResult> =>
  crontab(deps, ['-'], Buffer.from(text, 'latin1'));

function crontab({ env }: CronDeps, args: readonly string[], input?: Buffer): Promise<RunBytesResult> {
  // What it says is read: in English.
  return runBytes(['crontab', ...args], {
    env: { ...env, LC_ALL: 'C' },
    timeoutMs: limitMs,
    ...(input === undefined ? {} : { input }),
  });
}

const saidBy = ({ stderr, stdout }: RunBytesResult): string =>
  (stderr.trim() || stdout.toString('utf8').trim()).split('\n')[0] ?? '';

function notInstalled(): DevenvError {
  return new DevenvError(
    'environment',
    'crontab is not installed',
    'install cron (Debian: apt-get install cron), or: devenv cron install --backend systemd',
  );
}

function explain(result: RunBytesResult, doing: string): DevenvError {
  const said = saidBy(result);
  if (/not allowed|not permitted|permission denied/i.test(said))
    return new DevenvError(
      'environment',
      `this user may have no crontab: ${said}`,
      'the administrator can add you to /etc/cron.allow; or: devenv cron install --backend systemd',
    );
  const how =
    result.reason === 'timeout' ? `no answer in ${limitMs / 1000} s` : `status ${result.code ?? '?'}`;
  return new DevenvError(
    'environment',
    `${doing} the crontab failed (${[how, said].filter(Boolean).join(': ')}); nothing was changed`,
    'see what crontab -l says; as long as it cannot be read, devenv writes nothing to it',
  );
}
