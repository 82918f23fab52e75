import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Order, Product } from '../../shared/types.ts';
import { startApi, type RunningApi } from '../api.ts';

let api: RunningApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${api.url}${path}`);
  expect(response.status).toBe(200);
  return await response.json();
}

async function stockOf(id: string): Promise<number | undefined> {
  const products = await get<readonly Product[]>('/api/products');
  return products.find((product) => product.id === id)?.stock;
}

function post(body: string): Promise<Response> {
  return fetch(`${api.url}/api/orders`, { method: 'POST', body });
}

function postOrder(...items: readonly { productId: string; quantity: number }[]): Promise<Response> {
  return post(JSON.stringify({ customer: 'Ada', items }));
}

test('it says that it is well', async () => {
  expect(await get('/health')).toEqual({ status: 'ok' });
});

test('it lists products with prices and stock', async () => {
  const products = await get<readonly Product[]>('/api/products');
  expect(products).toContainEqual(
    expect.objectContaining({ id: 'mug', name: 'Stoneware mug', priceCents: 1250 }),
  );
});

test('it logs each request on one line', async () => {
  await fetch(`${api.url}/health?verbose=1`);
  await expect.poll(() => api.log.at(-1)).toMatch(/^GET \/health 200 \d+ms$/);
});

test('what is not there is 404', async () => {
  const response = await fetch(`${api.url}/api/orders/999`);
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual({ error: 'There is no GET /api/orders/999' });
});

describe('an order', () => {
  test('is priced, stored and taken out of the stock', async () => {
    const before = await stockOf('mug');
    const response = await postOrder(
      { productId: 'mug', quantity: 6 },
      { productId: 'filters', quantity: 1 },
    );
    expect(response.status).toBe(201);

    const order: Order = await response.json();
    expect(order).toMatchObject({
      customer: 'Ada',
      discountCents: 750,
      shippingCents: 0,
      totalCents: 6 * 1250 - 750 + 540,
      lines: [
        { productId: 'mug', name: 'Stoneware mug', unitCents: 1250, quantity: 6 },
        { productId: 'filters', name: 'Paper filters', unitCents: 540, quantity: 1 },
      ],
    });
    expect(await get<Order>(`/api/orders/${order.id}`)).toMatchObject({ totalCents: order.totalCents });
    expect((await get<readonly Order[]>('/api/orders'))[0]?.id).toBe(order.id);
    expect(await stockOf('mug')).toBe(before! - 6);
  });

  test('of more than there is changes nothing', async () => {
    const [mugs, grinders, orders] = [
      await stockOf('mug'),
      await stockOf('grinder'),
      await get('/api/orders'),
    ];
    const response = await postOrder(
      { productId: 'mug', quantity: 1 },
      { productId: 'grinder', quantity: 99 },
    );
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({
      error: `Not enough in stock: grinder (wanted 99, in stock ${grinders})`,
    });
    expect(await stockOf('mug')).toBe(mugs);
    expect(await get('/api/orders')).toEqual(orders);
  });

  test.each([
    ['no JSON', '{', 400, 'The request is not valid JSON'],
    ['no object', '[]', 400, 'The order must be an object'],
    ['no name', '{"customer":" ","items":[]}', 400, 'A name is required'],
    ['no items', '{"customer":"Ada","items":[]}', 400, 'The order is empty'],
    [
      'half a mug',
      '{"customer":"Ada","items":[{"productId":"mug","quantity":0.5}]}',
      400,
      'The quantity must be a whole number from 1 to 1000',
    ],
    [
      'an unknown product',
      '{"customer":"Ada","items":[{"productId":"tea","quantity":1}]}',
      400,
      'No such product: tea',
    ],
    ['too much', ' '.repeat(100_000), 413, 'The request is too large'],
  ])('with %s is refused', async (_what, body, status, error) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error });
  });
});
