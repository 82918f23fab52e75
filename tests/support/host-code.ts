import path from 'node:path';
import { runBytes, type RunResult } from '../../src/base/index.ts';
import { filesOf } from '../checkpoint/repo.ts';
import { installDevenv, makeBox, type Box, type BoxOptions } from './box.ts';
import { devenv } from './cli.ts';
import { git, makeProject } from './project.ts';

/** A project here and a box with devenv on it, which `devenv.yaml` calls `box`. */
export interface HostCase {
  readonly box: Box;
  readonly env: NodeJS.ProcessEnv;
  readonly dir: string;
  /** The project's folder on the box. */
  readonly there: string;
  /** The program here, in the project. */
  readonly run: (...args: string[]) => Promise<RunResult>;
  /** The same; throws what it said when it fails. */
  readonly sure: (...args: string[]) => Promise<string>;
  readonly git: (...args: string[]) => Promise<string>;
  /** git on the box, in the project's folder. */
  readonly gitThere: (...args: string[]) => Promise<string>;
}

/** What a person would compare: the files git does not ignore, what is staged, the status, branch and HEAD. */
export interface Seen {
  readonly files: Record<string, string>;
  readonly staged: string;
  readonly status: string;
  readonly head: string;
}

/** Makes one around a box, or around one that is made for it. */
export async function hostCase(
  options: {
    readonly box?: Box;
    readonly make?: BoxOptions;
    readonly files?: Readonly<Record<string, string>>;
    readonly path?: string;
    readonly project?: 'commit' | 'init';
  } = {},
): Promise<HostCase> {
  const box = options.box ?? (await makeBox(options.make));
  installDevenv(box);
  const env = box.env;
  const place = options.path ?? 'shop';
  const yaml = `name: shop\nhosts:\n  box: { ssh: ${box.host}, path: "~/${place}" }\n`;
  const dir = await makeProject(env, {
    git: options.project ?? 'commit',
    files: {
      '.gitignore': '*.log\n.env\n',
      'a.txt': 'a\n',
      'src/b.txt': 'b\n',
      'devenv.yaml': yaml,
      ...options.files,
    },
  });
  const there = path.join(box.home, place);
  const identity = ['-c', 'user.name=Agent', '-c', 'user.email=agent@localhost'];
  const call = (...args: string[]): Promise<RunResult> => devenv(args, { cwd: dir, env });
  return {
    box,
    env,
    dir,
    there,
    run: call,
    sure: async (...args) => {
      const result = await call(...args);
      if (!result.ok)
        throw new Error(`devenv ${args.join(' ')}: ${result.code} ${result.stdout}${result.stderr}`);
      return result.stdout;
    },
    git: (...args) => git(dir, env, ...args),
    gitThere: async (...args) => {
      const result = await box.there(['git', ...identity, ...args], there);
      if (!result.ok) throw new Error(`git ${args.join(' ')} on the box: ${result.stderr}`);
      return result.stdout.trimEnd();
    },
  };
}

/** Looks at one of the two sides. */
export async function look(dir: string, env: NodeJS.ProcessEnv): Promise<Seen> {
  const ask = async (...args: string[]): Promise<string> => {
    const result = await runBytes(['git', '--no-optional-locks', ...args], { cwd: dir, env });
    return result.stdout.toString('latin1');
  };
  const named = new Set(
    (await ask('ls-files', '-z', '--cached', '--others', '--exclude-standard')).split('\0'),
  );
  return {
    files: filesOf(dir, (file) => !named.has(file)),
    staged: await ask('ls-files', '--stage', '-z'),
    // What a branch follows is set by hand on each side.
    status: (await ask('status', '--porcelain=v2', '-z', '-uall', '--branch')).replaceAll(
      /# branch\.(?:upstream|ab) [^\0]*\0/g,
      '',
    ),
    head: `${await ask('rev-parse', 'HEAD')} ${await ask('symbolic-ref', '-q', 'HEAD')}`,
  };
}

/** As the two sides of a case see it. */
export async function bothSides(one: HostCase): Promise<{ readonly here: Seen; readonly there: Seen }> {
  const env = { PATH: process.env['PATH'], HOME: one.box.home, GIT_CONFIG_NOSYSTEM: '1' };
  return { here: await look(one.dir, one.env), there: await look(one.there, env) };
}
