import { describe, expect, test } from 'vitest';
import { mergeItems, shortages } from '../../shared/stock.ts';

const stock = new Map([
  ['mug', 3],
  ['kettle', 0],
]);

describe('shortages', () => {
  test('there are none while there is enough', () => {
    expect(shortages(stock, [{ productId: 'mug', quantity: 3 }])).toEqual([]);
  });

  test('one piece too many is a shortage', () => {
    expect(shortages(stock, [{ productId: 'mug', quantity: 4 }])).toEqual([
      { productId: 'mug', wanted: 4, inStock: 3 },
    ]);
  });

  test('the same product in two items counts together', () => {
    const twice = [
      { productId: 'mug', quantity: 2 },
      { productId: 'mug', quantity: 2 },
    ];
    expect(shortages(stock, twice)).toEqual([{ productId: 'mug', wanted: 4, inStock: 3 }]);
  });

  test('an unknown product is out of stock', () => {
    expect(shortages(stock, [{ productId: 'teapot', quantity: 1 }])).toEqual([
      { productId: 'teapot', wanted: 1, inStock: 0 },
    ]);
  });
});

test('merging keeps the order in which products first appear', () => {
  const items = [
    { productId: 'mug', quantity: 1 },
    { productId: 'kettle', quantity: 2 },
    { productId: 'mug', quantity: 3 },
  ];
  expect(mergeItems(items)).toEqual([
    { productId: 'mug', quantity: 4 },
    { productId: 'kettle', quantity: 2 },
  ]);
});
