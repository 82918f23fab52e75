import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../src/base/index.ts';
import { installJob, type CronDeps, type Installed } from '../../src/cron/index.ts';
import { tempDir, testEnv } from '../support/temp.ts';

/** A user whose `crontab` (and `systemctl`, `loginctl`) are scripts of the test's own. */
export interface FakeUser {
  readonly deps: CronDeps;
  readonly env: NodeJS.ProcessEnv;
  /** What `crontab -l` prints; undefined: there is none. */
  readonly crontab: () => string | undefined;
  readonly write: (text: string) => void;
  /** Puts a program in front of all others. */
  readonly program: (name: string, script: string) => void;
  /** How often the crontab was written. */
  readonly writes: () => number;
  readonly install: (over?: Partial<Parameters<typeof installJob>[1]>) => Promise<Installed>;
  readonly project: { readonly id: string; readonly name: string; readonly root: string };
}

/** A crontab that works: a file, and a count of the writes. */
const working = `
file="$FAKE_CRONTAB"
case "$1" in
-l) if [ -f "$file" ]; then cat "$file"; else echo "no crontab for tester" >&2; exit 1; fi ;;
-) echo >>"$file.writes"; cat >"$file" ;;
*) echo "unexpected: $*" >&2; exit 9 ;;
esac
`;

export function fakeUser(extra: NodeJS.ProcessEnv = {}): FakeUser {
  const dir = tempDir('cron');
  const bin = path.join(dir, 'bin');
  mkdirSync(bin);
  const file = path.join(dir, 'crontab');
  const env = testEnv({ FAKE_CRONTAB: file, ...extra });
  env['PATH'] = `${bin}:${env['PATH']}`;
  const program = (name: string, script: string): void => {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  };
  program('crontab', working);
  const root = path.join(dir, 'shop');
  mkdirSync(root);
  const project = { id: '0123456789abcd', name: 'shop', root };
  const deps = { env, clock: systemClock };
  return {
    deps,
    env,
    project,
    program,
    crontab: () => (existsSync(file) ? readFileSync(file, 'latin1') : undefined),
    write: (text) => writeFileSync(file, Buffer.from(text, 'latin1')),
    writes: () => (existsSync(`${file}.writes`) ? readFileSync(`${file}.writes`, 'utf8').length : 0),
    install: (over) =>
      installJob(deps, {
        project,
        at: '04:17',
        backend: 'cron',
        socket: '/tmp/tmux-0/default',
        dryRun: false,
        ...over,
      }),
  };
}
