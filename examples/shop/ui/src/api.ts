import type { ApiError, Order, OrderRequest, Product } from '../../shared/types.ts';

export function fetchProducts(): Promise<readonly Product[]> {
  return call('/api/products');
}

export function fetchOrders(): Promise<readonly Order[]> {
  return call('/api/orders');
}

export function sendOrder(order: OrderRequest): Promise<Order> {
  return call('/api/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
}

/** Throws an Error with words for the customer when the shop says no or cannot be reached. */
async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, init);
  if (response.ok) return await response.json();
  // Without a body of the API's own it was the proxy that answered.
  const body: ApiError | undefined = await response.json().catch(() => undefined);
  throw new Error(body?.error ?? 'The shop cannot be reached. Is the API running?');
}
