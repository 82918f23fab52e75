import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../src/base/index.ts';
import { createCheckpoint, readSaved } from '../src/checkpoint/index.ts';
import { openRepo, type Repo } from '../src/git/index.ts';
import { carryOut } from '../src/rollback/carry-out.ts';
import { prepare, type PutBackInput } from '../src/rollback/prepare.ts';
import { rollBack, undoLast, type RollbackDeps, type RollbackProject } from '../src/rollback/index.ts';
import { atMost, benchEnv, endEnv, interleave, time, type Goal } from './measure.ts';
import { makeRepo } from './repo.ts';

const status = ['git', '--no-optional-locks', 'status', '--porcelain=v2', '-z', '-uall'] as const;
const small = Number(process.env['BENCH_FILES'] ?? 100_000);
const many = 10_000;

/** What a rollback costs without Node's start: of 20 files among 100,000, and of 10,000 files. */
export async function rollbackGoals(): Promise<Goal[]> {
  return [...(await fewAmongMany()), ...(await manyFiles())];
}

interface Place {
  readonly project: RollbackProject;
  readonly repo: Repo;
  readonly deps: RollbackDeps;
  readonly env: NodeJS.ProcessEnv;
}

async function inRepo<T>(files: number, work: (place: Place) => Promise<T>): Promise<T> {
  const { env, dir, socket } = benchEnv();
  const root = path.join(dir, 'project');
  mkdirSync(root);
  try {
    makeRepo(root, files, env, 'name: bench\n');
    const deps: RollbackDeps = { env, clock: systemClock, restart: async () => [] };
    const project = { root, config: { checkpoint: { maxFileBytes: 50 * 1024 * 1024 } } };
    return await work({ project, repo: await openRepo({ cwd: root, env }), deps, env });
  } finally {
    endEnv({ dir, socket });
  }
}

/** What `rollBack` asks for, without `saved` and `target`. */
const input = {
  kind: 'rollback',
  reason: 'user',
  moveTo: undefined,
  now: Date.now(),
  dryRun: false,
  yes: true,
} as const;

/** 10 edited, 7 that are missing, 3 that are new: what is rolled back. */
function disturb(root: string, round: number): void {
  const file = (n: number): string => path.join(root, 'src', `d${Math.floor(n / 100)}`, `f${n}.txt`);
  for (let i = 0; i < 10; i++) writeFileSync(file(i * 137), `round ${round} of file ${i}\n`);
  for (let i = 0; i < 7; i++) rmSync(file(i * 211 + 50), { force: true });
  for (let i = 0; i < 3; i++) writeFileSync(path.join(root, `new-${i}.txt`), `${round}\n`);
}

async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

async function fewAmongMany(): Promise<Goal[]> {
  return inRepo(small, async ({ project, repo, deps, env }) => {
    const { tag, commit } = await makeCheckpoint(repo);
    const saved = await readSaved(repo, commit);
    const asked: PutBackInput = { ...input, saved, target: tag };
    const m = await interleave({
      status: () => time(status, { cwd: project.root, env }),
      whole: (round) => {
        disturb(project.root, round);
        return elapsed(() => rollBack(deps, project, { target: tag, reason: 'user' }));
      },
      undo: () => elapsed(() => undoLast(deps, project)),
      // The same state again, so that each round begins with it.
      back: (round) => {
        disturb(project.root, round + 1000);
        return elapsed(() => rollBack(deps, project, { target: tag, reason: 'user' }));
      },
      // Without the look at the work tree and the snapshot: what is written back.
      restore: async (round) => {
        disturb(project.root, round + 2000);
        const ready = await prepare(repo, asked);
        return elapsed(() => carryOut(repo, asked, ready));
      },
    });
    const of = `20 of ${small.toLocaleString('en')} files`;
    return [
      atMost(
        `rollback of ${of}, undo snapshot included`,
        '<= 2 x git status -uall',
        m.whole,
        2 * m.status,
        m.status,
      ),
      atMost(`undo of it`, '<= 2 x git status -uall', m.undo, 2 * m.status, m.status),
      atMost(`the restore alone`, '<= 0.4 x git status -uall', m.restore, 0.4 * m.status, m.status),
    ];
  });
}

/** The same difference of 10,000 files by `git reset --hard`, which saves nothing first. */
async function manyFiles(): Promise<Goal[]> {
  return inRepo(many, async ({ project, repo, deps, env }) => {
    const { root } = project;
    const names = Array.from({ length: many }, (_, n) =>
      path.join(root, 'src', `d${Math.floor(n / 100)}`, `f${n}.txt`),
    );
    const content = readFileSync(names[0] ?? '', 'utf8');
    const editAll = (round: number): void => {
      for (const [n, name] of names.entries()) writeFileSync(name, `round ${round} of ${n}\n${content}`);
    };
    const { tag, commit } = await makeCheckpoint(repo);
    const saved = await readSaved(repo, commit);
    const work = {
      reset: (round: number) => {
        editAll(round);
        return time(['git', 'reset', '-q', '--hard'], { cwd: root, env });
      },
      // With what is there saved first: reset throws it away.
      whole: (round: number) => {
        editAll(round + 1000);
        return elapsed(() => rollBack(deps, project, { target: tag, reason: 'user', yes: true }));
      },
      restore: async (round: number) => {
        editAll(round + 2000);
        const ready = await prepare(repo, { ...input, saved, target: tag });
        return elapsed(() => carryOut(repo, { ...input, saved, target: tag }, ready));
      },
    };
    const m = await interleave(work, 3);
    return [
      atMost('10,000 files put back', '<= 1.3 x git reset --hard', m.restore, 1.3 * m.reset, m.reset),
      atMost(
        '10,000 files saved and put back',
        '<= 1.3 x git reset --hard, which saves nothing',
        m.whole,
        1.3 * m.reset,
        m.reset,
      ),
    ];
  });
}

async function makeCheckpoint(repo: Repo): Promise<{ tag: string; commit: string }> {
  return createCheckpoint(repo, { verdict: 'passed', reason: 'user', tags: 'all', now: Date.now() });
}
