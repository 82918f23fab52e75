import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { DevenvError, installLineHere, run, self } from '../../base/index.ts';
import { createTmux, explain, isGone, requireVersion } from '../../tmux/index.ts';
import { fine, fromError, problem, type Check } from './check.ts';

const leastNode = [22, 22] as const;

/** Node as the package needs it (bin/devenv.js says the same before anything is loaded). */
export const node: Check = async () => {
  const [major = 0, minor = 0] = self.nodeVersion.split('.').map(Number);
  const enough = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  if (enough) return fine('node', `Node ${self.nodeVersion}`);
  return problem('error', 'node', {
    message: `Node ${self.nodeVersion} is too old: devenv needs ${leastNode.join('.')} or newer`,
    remedy: 'install a newer one: https://nodejs.org, or nvm install 24',
  });
};

/** tmux, new enough, and the running server of the same version. */
export const tmux: Check = async ({ ctx }) => {
  const driver = createTmux(ctx.env);
  const version = await driver.run(['-V']);
  if (!version.ok) return fromError('error', 'tmux', explain(version, 'telling its version'));
  const client = version.stdout.trim().replace(/^tmux /, '');
  try {
    requireVersion(version.stdout);
  } catch (error) {
    return fromError('error', 'tmux', error);
  }
  if (!(await driver.alive())) return fine('tmux', `tmux ${client}`);
  const server = await driver.run(['display-message', '-p', '#{version}'], { timeoutMs: 5000 });
  if (isGone(server)) return fine('tmux', `tmux ${client}`);
  if (!server.ok) return fromError('error', 'tmux', explain(server, 'asking its server'));
  const running = server.stdout.trim();
  if (running === client || running === '') return fine('tmux', `tmux ${client}`);
  return problem('warning', 'tmux', {
    message: `the running tmux server is ${running}, the installed tmux is ${client}`,
    remedy: 'when its sessions can be spared, end the old server: tmux kill-server',
  });
};

/** Git, new enough to keep objects safe over a power cut. */
export const git: Check = async ({ ctx }) => {
  const result = await run(['git', '--version'], { env: ctx.env });
  if (!result.ok)
    return problem('error', 'git', {
      message: 'git is not installed, so there are no checkpoints',
      remedy: `install it: ${installLineHere(['git']) ?? 'git, with the package manager of this system'}`,
    });
  const version = /(\d+)\.(\d+)[\d.]*/.exec(result.stdout);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  if (major > 2 || (major === 2 && minor >= 36)) return fine('git', `git ${version?.[0] ?? ''}`);
  return problem('warning', 'git', {
    message: `git ${version?.[0] ?? 'of unknown version'}: a power cut could damage the newest checkpoint (2.36 and newer write it safely)`,
    remedy: 'install a newer git',
  });
};

/** The program that the editor window runs. */
export const editor: Check = async ({ ctx }) => {
  const command = ctx.env['VISUAL'] || ctx.env['EDITOR'] || 'vi';
  const program = command.trim().split(/\s+/)[0] ?? 'vi';
  if (findProgram(program, ctx)) return fine('editor', command);
  return problem('warning', 'editor', {
    message: `the editor "${program}" is not installed`,
    remedy: 'set EDITOR to one that is, or install it',
  });
};

/** Perl gives the logs milliseconds; without it awk serves. */
export const logger: Check = async ({ ctx }) => {
  if (findProgram('perl', ctx)) return fine('logger', 'logs have milliseconds (perl)');
  return problem('warning', 'logger', {
    message: 'no perl: logs have whole seconds, and half lines show only when they are ended',
    remedy: 'install perl (Debian: perl-base)',
  });
};

/** What only some projects need: a browser for browser tests. */
export const extras: Check = async ({ ctx, project }) => {
  if (project instanceof DevenvError) return [];
  if (!project.config.suites.some(({ command }) => /playwright|puppeteer|chromium/.test(command))) return [];
  const found = ['chromium', 'chromium-browser', 'google-chrome'].find((program) =>
    findProgram(program, ctx),
  );
  if (found) return fine('browser', `${found} (browser tests)`);
  return {
    name: 'browser',
    ok: true,
    level: 'info',
    message: 'no chromium on the PATH (browser tests)',
    remedy: 'install it: apt-get install chromium',
  };
};

/** Where a program lies, as a shell would find it. */
export function findProgram(
  program: string,
  { env, cwd }: { env: NodeJS.ProcessEnv; cwd: string },
): string | undefined {
  const dirs = program.includes('/') ? [''] : (env['PATH'] ?? '/usr/bin:/bin').split(':');
  return dirs
    .map((dir) => path.resolve(cwd, dir, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false; // not there, or not to be run
      }
    });
}
