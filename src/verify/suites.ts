import { DevenvError, nameHint } from '../base/index.ts';
import type { GateConfig, Project, SuiteConfig } from '../config/index.ts';

/** The suites of some names, in the order of the configuration. Throws 'unknown-suite' with the nearest name. */
export function selectSuites(project: Project, names: readonly string[]): readonly SuiteConfig[] {
  const all = project.config.suites;
  for (const name of names) {
    if (all.some((suite) => suite.name === name)) continue;
    const known = all.map((suite) => suite.name);
    throw new DevenvError(
      'unknown-suite',
      `there is no suite "${name}"`,
      nameHint(name, known, 'add it under `suites:` in devenv.yaml'),
    );
  }
  return all.filter((suite) => names.includes(suite.name));
}

/** The gates of some names, in the order asked for. Throws 'unknown-suite' (exit 4) with the nearest name. */
export function selectGates(project: Project, names: readonly string[]): readonly GateConfig[] {
  return names.map((name) => {
    const gate = project.config.gates.find((one) => one.name === name);
    if (gate) return gate;
    const known = project.config.gates.map((one) => one.name);
    throw new DevenvError(
      'unknown-suite',
      `there is no gate "${name}"`,
      nameHint(name, known, 'add it under `gates:` in devenv.yaml'),
    );
  });
}

/** The gates and suites by which the project's checkpoints are judged. */
export function checkpointGates(project: Project): {
  readonly suites: readonly string[];
  readonly gates: readonly string[];
} {
  const { checkpoint, watch } = project.config;
  return checkpoint.gates.length > 0
    ? { suites: [], gates: checkpoint.gates }
    : { suites: watch.suites, gates: [] };
}
