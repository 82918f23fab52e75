import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoSteps, endWorld, openWorld, processesOf, type World } from '../../scripts/demo-steps.ts';

/** The main job on the sample project: the built program, a real tmux on a private socket, a real browser. */
describe('the main job', () => {
  const told: string[] = [];
  let world: World;
  let failed = false;

  beforeAll(async () => {
    world = await openWorld((line) => told.push(line));
  });
  afterAll(async () => {
    await endWorld(world);
    rmSync(world.dir, { recursive: true, force: true, maxRetries: 5 });
  });

  it.each(demoSteps)('$title', { timeout: 120_000 }, async (step) => {
    expect(failed, 'an earlier step failed').toBe(false);
    failed = true;
    const from = told.length;
    try {
      await step.run(world);
    } catch (error) {
      throw new Error(`${String(error)}\n${told.slice(from).join('\n')}`, { cause: error });
    }
    expect(
      told.slice(from).some((line) => line.includes('✓')),
      'the step proved something',
    ).toBe(true);
    failed = false;
  });

  it('leaves no process, no session and no worktree', () => {
    expect(processesOf(world)).toEqual([]);
    expect(existsSync(path.join(world.project, '.git/worktrees'))).toBe(false);
    expect(existsSync(path.join(world.project, '.git/index.lock'))).toBe(false);
  });
});
