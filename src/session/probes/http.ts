import { messageOf } from '../../base/index.ts';
import { dial } from './tcp.ts';
import type { Probe, ProbeResult } from './types.ts';

/** Ready when a GET is answered with 2xx or 3xx. */
export const http: Probe<'http'> = async (config, { limitMs }) => {
  const url = new URL(config.url);
  const status = url.protocol === 'https:' ? await getSecure(url, limitMs) : await getPlain(url, limitMs);
  return typeof status === 'string' ? { ok: false, detail: status } : judge(url, status);
};

function judge(url: URL, status: number): ProbeResult {
  return { ok: status >= 200 && status < 400, detail: `${url.href} answered ${status}` };
}

/** A minimal GET over a socket: loading node:http would cost `status` as much as all the rest of it. */
async function getPlain(url: URL, limitMs: number): Promise<number | string> {
  const port = Number(url.port) || 80;
  const dialled = await dial(url.hostname.replace(/^\[(.*)\]$/, '$1'), port, limitMs);
  if ('problem' in dialled) return dialled.problem;
  const { socket } = dialled;
  return new Promise((resolve) => {
    let head = '';
    const done = (result: number | string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => done(`${url.href} does not answer`), limitMs);
    socket.on('error', (error) => done(`${url.href}: ${messageOf(error)}`));
    socket.on('end', () => done(`${url.href} closed the connection without an answer`));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      head += chunk;
      const match = /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(head);
      if (match) done(Number(match[1]));
      else if (head.includes('\n') || head.length > 64) done(`${url.href} does not speak HTTP`);
    });
    socket.write(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: devenv\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
    );
  });
}

async function getSecure(url: URL, limitMs: number): Promise<number | string> {
  const { request } = await import('node:https');
  return new Promise((resolve) => {
    // Development certificates are self-signed as a rule; this asks for life, not for identity.
    const outgoing = request(
      url,
      { rejectUnauthorized: false, timeout: limitMs, headers: { 'user-agent': 'devenv' } },
      (response) => {
        resolve(response.statusCode ?? `${url.href} gave no status`);
        outgoing.destroy();
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('does not answer')));
    outgoing.on('error', (error) => resolve(`${url.href}: ${messageOf(error)}`));
    outgoing.end();
  });
}
