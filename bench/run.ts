// The measured goals: each a ratio against a floor taken in the same run. `node bench/run.ts [startup|session|checkpoint|checkpoints|rollback|watch|remote]... [--huge]`
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkpointGoals } from './checkpoint.ts';
import { checkpointsGoals } from './checkpoints.ts';
import { root, runs, type Goal } from './measure.ts';
import { remoteGoals } from './remote.ts';
import { rollbackGoals } from './rollback.ts';
import { sessionGoals } from './session.ts';
import { startupGoals } from './startup.ts';
import { watchGoals } from './watch.ts';

const groups = {
  startup: startupGoals,
  session: sessionGoals,
  checkpoint: checkpointGoals,
  rollback: rollbackGoals,
  checkpoints: checkpointsGoals,
  watch: watchGoals,
  remote: remoteGoals,
};
const asked = process.argv.slice(2).filter((name) => name !== '--huge');
const unknown = asked.find((name) => !(name in groups));
if (unknown) {
  console.error(`bench: no group "${unknown}"; there are: ${Object.keys(groups).join(', ')}`);
  process.exit(2);
}

const goals: Goal[] = [];
for (const [name, measure] of Object.entries(groups)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for await (const goal of await measure()) {
    goals.push(goal);
    const ratio = goal.ratio === undefined ? '' : `${goal.ratio.toFixed(2)} x`;
    console.log(
      `${goal.ok ? 'ok   ' : 'short'}  ${goal.name.padEnd(46)} ${goal.goal.padEnd(38)} ${goal.figure.padStart(14)} ${ratio}`,
    );
  }
}
const results = { runs, node: process.version, goals };
writeFileSync(path.join(root, 'bench/results.json'), `${JSON.stringify(results, undefined, 2)}\n`);
