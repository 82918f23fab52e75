import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { devenv } from '../support/cli.ts';
import { privateTmux, type PrivateTmux } from '../support/private-tmux.ts';
import { makeProject } from '../support/project.ts';

/** What goes into a pipe or a file has no colours, whoever painted them. */
let world: PrivateTmux;
beforeEach(() => {
  world = privateTmux();
});
afterEach(() => world.end());

const red = String.raw`printf '\\033[31mred\\033[0m text\\n'; exit 3`;
const yaml = `
windows:
  api: { command: "${red}", kind: service }
  task: { kind: task, command: "${red}" }
  late: { kind: task, command: "${red}", needs: [api] }
suites: { unit: { command: "${red}" } }
gates: { lint: { command: "${red}" } }
`;

describe('output into a pipe', () => {
  it('has no colours', { timeout: 60_000 }, async () => {
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
    const commands = [
      ['run', 'unit'],
      ['test'],
      ['test', '-v'],
      ['gate'],
      ['checkpoint'],
      ['start', '--detach'],
      ['run', 'task'],
      ['run', 'late'],
      ['logs'],
      ['status'],
      ['diff'],
      ['doctor'],
      ['nonsense'],
    ];
    for (const command of commands)
      for (const extra of [[], ['--json']]) {
        const { stdout, stderr } = await devenv([...command, ...extra], { cwd, env: world.env });
        expect({ command, text: stdout + stderr }).not.toMatchObject({
          text: expect.stringMatching(/\u001B|\\u001b/),
        });
        if (command[0] === 'run' && extra.length === 0 && command[1] !== 'late')
          expect(stdout).toContain('red text\n');
        if (command[1] === 'late' && extra.length === 0) expect(stdout).toMatch(/api has failed/);
      }
  });

  it('has them where FORCE_COLOR asks for them', async () => {
    const cwd = await makeProject(world.env, { files: { 'devenv.yaml': yaml } });
    const said = async (env: NodeJS.ProcessEnv) =>
      (await devenv(['run', 'unit'], { cwd, env: { ...world.env, ...env } })).stdout;
    expect(await said({ FORCE_COLOR: '1' })).toContain('\u001B[31mred');
    expect(await said({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe('red text\n');
  });
});
