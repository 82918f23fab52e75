// The main job, told step by step; every step proves itself or the demo ends with status 1.
import { rmSync } from 'node:fs';
import { stripVTControlCharacters, styleText } from 'node:util';
import { demoSteps, endWorld, openWorld } from './demo-steps.ts';

const keep = process.argv.includes('--keep');
const unknown = process.argv.slice(2).find((arg) => arg !== '--keep');
if (unknown) {
  console.error(`demo: unknown argument ${unknown}; the only one is --keep`);
  process.exit(2);
}
const bold = (text: string): string => (process.stdout.isTTY ? styleText('bold', text) : text);
const say = (line: string): void => console.log(process.stdout.isTTY ? line : stripVTControlCharacters(line));
const world = await openWorld(say);
const started = performance.now();
let interrupted = false;
process.on('SIGINT', () => (interrupted = true)).on('SIGTERM', () => (interrupted = true));
let status = 0;
try {
  for (const [i, step] of demoSteps.entries()) {
    if (keep && step.ends) continue;
    if (interrupted) throw new Error('interrupted');
    console.log(`\n${bold(`${i + 1}. ${step.title}`)}`);
    await step.run(world);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`\nAll of it worked, in ${seconds} s.`);
} catch (error) {
  status = interrupted ? 130 : 1;
  console.error(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
}
if (keep && status !== 130) {
  const vars = `XDG_STATE_HOME=${world.env['XDG_STATE_HOME']} DEVENV_TMUX_SOCKET=${world.env['DEVENV_TMUX_SOCKET']}`;
  console.log(`\nThe session is still running. Look at it, then end it:
  cd ${world.project}
  export ${vars} PATH="${world.bin}:$PATH"
  devenv attach        # leave with Ctrl-b d
  devenv stop`);
} else {
  await endWorld(world);
  rmSync(world.dir, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = status;
