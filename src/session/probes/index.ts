import type { ProbeConfig } from '../../config/index.ts';
import { command } from './command.ts';
import { http } from './http.ts';
import { log } from './log.ts';
import { tcp } from './tcp.ts';
import type { ProbeContext, ProbeResult, Probes } from './types.ts';

/** Every kind of probe: a new one is one file and one line here. */
const probes = { http, tcp, log, command } satisfies Probes;

/** Looks once. Never throws. */
export function checkProbe(config: ProbeConfig, context: ProbeContext): Promise<ProbeResult> {
  switch (config.kind) {
    case 'http':
      return probes.http(config, context);
    case 'tcp':
      return probes.tcp(config, context);
    case 'log':
      return probes.log(config, context);
    default:
      return probes.command(config, context);
  }
}

export type { ProbeContext, ProbeResult };
