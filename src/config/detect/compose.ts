import type { Detector } from './types.ts';

const names = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** A compose file: all its containers in one window. */
export const detectCompose: Detector = (files) => {
  const name = names.find((candidate) => files.text(candidate) !== undefined);
  if (name === undefined) return undefined;
  const services = serviceNames(files.text(name) ?? '');
  return {
    layout: 'api',
    windows: {
      compose: { kind: 'service', command: 'docker compose up', stop: { signal: 'SIGINT', grace: '20s' } },
    },
    suites: {},
    found: [`${name}: docker compose up${services.length > 0 ? ` (${services.join(', ')})` : ''}`],
  };
};

/** The keys right below `services:`, read by indentation: for the eye only, so no YAML parser is loaded. */
function serviceNames(text: string): string[] {
  const block =
    /^services:[ \t]*(?:#.*)?\n((?:(?:[ \t]+.*|[ \t]*|#.*)(?:\n|$))*)/m.exec(
      text.replaceAll('\r\n', '\n'),
    )?.[1] ?? '';
  const indent = /^([ \t]+)[^\s#]/m.exec(block)?.[1] ?? '';
  return indent === ''
    ? []
    : [...block.matchAll(new RegExp(`^${indent}["']?([\\w.-]+)["']?:`, 'gm'))].map((match) => match[1] ?? '');
}
