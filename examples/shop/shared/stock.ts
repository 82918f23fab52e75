import type { Item } from './types.ts';

export interface Shortage {
  readonly productId: string;
  readonly wanted: number;
  readonly inStock: number;
}

/** Adds up items of the same product, in the order in which they first appear. */
export function mergeItems(items: readonly Item[]): readonly Item[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of items) {
    quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  }
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}

/** The items of which more is wanted than there is; a product nobody has heard of is out of stock. */
export function shortages(stock: ReadonlyMap<string, number>, items: readonly Item[]): readonly Shortage[] {
  return mergeItems(items)
    .map(({ productId, quantity }) => ({
      productId,
      wanted: quantity,
      inStock: stock.get(productId) ?? 0,
    }))
    .filter(({ wanted, inStock }) => wanted > inStock);
}
