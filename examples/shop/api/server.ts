import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import type { ApiError } from '../shared/types.ts';
import { HttpError, parseOrder, readJson } from './request.ts';
import { findOrder, listOrders, listProducts, placeOrder } from './store.ts';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The shop's API, not yet listening. `log` gets one line for each request. */
export function createApi(db: DatabaseSync, log: (line: string) => void): Server {
  return createServer((request, response) => {
    const started = performance.now();
    const path = (request.url ?? '/').replace(/\?.*$/, '');
    response.on('finish', () => {
      const took = Math.round(performance.now() - started);
      log(`${request.method} ${path} ${response.statusCode} ${took}ms`);
    });
    void answer(db, request, path)
      .catch((error: unknown) => failure(error, log))
      .then((result) => send(response, result));
  });
}

async function answer(db: DatabaseSync, request: IncomingMessage, path: string): Promise<Answer> {
  switch (`${request.method} ${path}`) {
    case 'GET /health':
      db.prepare('SELECT 1').get();
      return { status: 200, body: { status: 'ok' } };
    case 'GET /api/products':
      return { status: 200, body: listProducts(db) };
    case 'GET /api/orders':
      return { status: 200, body: listOrders(db) };
    case 'POST /api/orders':
      return order(db, await readJson(request));
  }
  const id = /^\/api\/orders\/(\d+)$/.exec(path)?.[1];
  const found = request.method === 'GET' && id !== undefined ? findOrder(db, Number(id)) : undefined;
  if (found === undefined) throw new HttpError(404, `There is no ${request.method} ${path}`);
  return { status: 200, body: found };
}

function order(db: DatabaseSync, body: unknown): Answer {
  const placed = placeOrder(db, parseOrder(body), new Date());
  if ('order' in placed) return { status: 201, body: placed.order };
  if ('unknown' in placed) throw new HttpError(400, `No such product: ${placed.unknown.join(', ')}`);
  const missing = placed.shortages.map(({ productId, wanted, inStock }) => {
    return `${productId} (wanted ${wanted}, in stock ${inStock})`;
  });
  throw new HttpError(409, `Not enough in stock: ${missing.join(', ')}`);
}

function failure(error: unknown, log: (line: string) => void): Answer {
  if (error instanceof HttpError) {
    return { status: error.status, body: { error: error.message } satisfies ApiError };
  }
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return { status: 500, body: { error: 'Something went wrong in the shop' } satisfies ApiError };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
