import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectId, systemClock } from '../../src/base/index.ts';
import type { Config, GateConfig, Project, SuiteConfig } from '../../src/config/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { keepDefaults, nightlyDefaults } from '../support/keep.ts';
import { tempDir, testEnv } from '../support/temp.ts';

/** A project in a new git repository, with its own state. */
export interface TestProject {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly project: Project;
  readonly store: Store;
  readonly deps: {
    readonly env: NodeJS.ProcessEnv;
    readonly clock: typeof systemClock;
    readonly store: Store;
  };
  readonly write: (file: string, text: string) => void;
  readonly git: (...args: string[]) => string;
}

type SuiteInput = Partial<SuiteConfig> & { readonly name: string; readonly command: string };

export interface ProjectInput {
  readonly suites: readonly SuiteInput[];
  readonly gates?: readonly (Partial<GateConfig> & { readonly name: string })[];
  readonly watch?: Partial<Config['watch']>;
  readonly checkpoint?: Partial<Config['checkpoint']>;
  readonly nightly?: Partial<Config['nightly']>;
  readonly worktree?: Partial<Config['worktree']>;
  readonly files?: Readonly<Record<string, string>>;
  /** false: no git repository. */
  readonly git?: boolean;
  readonly commit?: boolean;
}

export function testProject(input: ProjectInput): TestProject {
  const root = tempDir('project');
  const env = testEnv({
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@t',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@t',
  });
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, env, encoding: 'utf8' }).trim();
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  for (const [file, text] of Object.entries(input.files ?? { 'code.txt': 'good\n' })) write(file, text);
  if (input.git !== false) {
    git('init', '-q', '-b', 'main');
    if (input.commit !== false) {
      git('add', '-A');
      git('commit', '-q', '-m', 'Start');
    }
  }
  const store = openStore(env);
  return {
    root,
    env,
    project: toProject(root, input),
    store,
    deps: { env, clock: systemClock, store },
    write,
    git,
  };
}

function toProject(root: string, input: ProjectInput): Project {
  const config: Config = {
    name: 'test',
    layout: undefined,
    env: {},
    windows: [],
    suites: input.suites.map((suite) => ({
      results: undefined,
      affected: 'off',
      timeoutMs: 20_000,
      on: 'change',
      env: {},
      cwd: root,
      ...suite,
    })),
    watch: { suites: input.suites.map((suite) => suite.name), debounceMs: 50, ignore: [], ...input.watch },
    gates: (input.gates ?? []).map((gate) => ({
      suites: undefined,
      report: undefined,
      command: undefined,
      passRate: 1,
      min: undefined,
      maxWarnings: undefined,
      timeoutMs: 20_000,
      ...gate,
    })),
    checkpoint: {
      everyMs: 300_000,
      quietMs: 10_000,
      gates: [],
      onFailure: 'auto',
      verifyIn: 'place',
      tags: 'all',
      keep: keepDefaults,
      maxFileBytes: 50 * 1024 * 1024,
      ...input.checkpoint,
    },
    nightly: {
      ...nightlyDefaults,
      suites: input.suites.map((suite) => suite.name),
      gates: (input.gates ?? []).map((gate) => gate.name),
      ...input.nightly,
    },
    worktree: { link: 'auto', copy: [], ...input.worktree },
    logs: { dir: undefined, maxSizeBytes: 1 << 20, keep: 2 },
    hosts: {},
  };
  return {
    root,
    id: projectId(root),
    sessionName: 'test',
    configFile: undefined,
    config,
    detected: [],
    origins: {},
  };
}
