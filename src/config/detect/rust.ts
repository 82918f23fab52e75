import type { Detector } from './types.ts';

const servers = /^\s*"?(axum|actix-web|rocket|warp|tide|tonic|poem|salvo|hyper)"?\s*[=.]/m;

/** Cargo.toml: a server crate runs as `api`; tests are cargo's. */
export const detectRust: Detector = (files) => {
  const manifest = files.text('Cargo.toml');
  if (manifest === undefined) return undefined;
  const workspace = /^\[workspace\]/m.test(manifest);
  const server = servers.exec(manifest)?.[1];
  const runs = server !== undefined && (files.has('src/main.rs') || /^\[\[bin\]\]/m.test(manifest));
  return {
    layout: 'rust',
    windows: runs ? { api: { kind: 'service', command: 'cargo run' } } : {},
    suites: { unit: { command: workspace ? 'cargo test --workspace' : 'cargo test' } },
    found: [`Cargo.toml: cargo test${runs ? `, cargo run (${server})` : ''}`],
  };
};
