import type { IncomingMessage } from 'node:http';
import type { Item, OrderRequest } from '../shared/types.ts';

const maxBodyBytes = 64 * 1024;
const maxQuantity = 1000;

/** A request that cannot be served, with the status and the words for the client. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The body as JSON. Throws HttpError 413 when it is too large, 400 when it is no JSON. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to the end all the same: breaking off would close the connection before the client has its answer.
    if (size <= maxBodyBytes) chunks.push(chunk);
  }
  if (size > maxBodyBytes) throw new HttpError(413, 'The request is too large');
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpError(400, 'The request is not valid JSON');
  }
}

/** Checks that this is an order. Throws HttpError 400 saying what is wrong with it. */
export function parseOrder(body: unknown): OrderRequest {
  const { customer, items } = asObject(body, 'The order');
  if (typeof customer !== 'string' || customer.trim() === '') throw new HttpError(400, 'A name is required');
  if (customer.length > 100) throw new HttpError(400, 'The name is too long');
  if (!Array.isArray(items) || items.length === 0) throw new HttpError(400, 'The order is empty');
  return { customer: customer.trim(), items: items.map(parseItem) };
}

function parseItem(item: unknown): Item {
  const { productId, quantity } = asObject(item, 'An item');
  if (typeof productId !== 'string') throw new HttpError(400, 'An item needs a productId');
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1 || quantity > maxQuantity) {
    throw new HttpError(400, `The quantity must be a whole number from 1 to ${maxQuantity}`);
  }
  return { productId, quantity };
}

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw new HttpError(400, `${what} must be an object`);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
