import { describe, expect, it } from 'vitest';
import { loadProject } from '../../src/config/index.ts';
import { makeProject } from '../support/project.ts';
import { testEnv } from '../support/temp.ts';

describe('the kind of a window that nothing names', () => {
  it.each([
    ['sh', 'tool'],
    ['bash -l', 'tool'],
    ['/bin/zsh', 'tool'],
    ['vim .', 'tool'],
    ['sh server.sh', 'service'],
    ['bash -c "npm start"', 'service'],
    ['npm run dev', 'service'],
  ])('%s is a %s', async (command, kind) => {
    const env = testEnv();
    const cwd = await makeProject(env, {
      files: { 'devenv.yaml': `windows:\n  one: { command: '${command}' }\n` },
      git: 'none',
    });
    const { config } = await loadProject({ cwd, env });
    expect(config.windows).toMatchObject([{ name: 'one', kind }]);
  });

  it('a way to stop makes a service of what looks like a screen program', async () => {
    const env = testEnv();
    const yaml = 'windows:\n  one: { command: vim ., stop: { signal: SIGTERM } }\n';
    const cwd = await makeProject(env, { files: { 'devenv.yaml': yaml }, git: 'none' });
    expect((await loadProject({ cwd, env })).config.windows).toMatchObject([{ kind: 'service' }]);
  });
});
