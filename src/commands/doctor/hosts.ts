import { DevenvError } from '../../base/index.ts';
import { readUserHosts } from '../../remote/index.ts';
import { fine, fromError, problem, type Check, type Finding } from './check.ts';
import { findProgram } from './tools.ts';

/** The remote boxes that are known: can they be reached from here at all? None is called. */
export const hosts: Check = async ({ ctx, project }) => {
  const known = project instanceof DevenvError ? {} : project.config.hosts;
  let own;
  try {
    own = readUserHosts(ctx.env);
  } catch (error) {
    return fromError('error', 'hosts', error);
  }
  const ssh = findProgram('ssh', ctx);
  return Object.entries({ ...own, ...known }).map(([name, host]): Finding => {
    const label = `host ${name}`;
    if (host.transport === 'node-ssh') return fine(label, `${host.ssh} (by node-ssh)`);
    if (ssh) return fine(label, `${host.ssh} (devenv host check ${name} looks at the box itself)`);
    return problem('warning', label, {
      message: `${host.ssh}: no ssh on the PATH`,
      remedy: 'install it: apt-get install openssh-client; or transport: node-ssh for this host',
    });
  });
};
