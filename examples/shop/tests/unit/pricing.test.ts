import { describe, expect, test } from 'vitest';
import {
  bulkQuantity,
  formatCents,
  freeShippingFromCents,
  lineDiscountCents,
  quote,
  shippingCents,
} from '../../shared/pricing.ts';

describe('the discount on a line', () => {
  test.each([
    { quantity: 1, unitCents: 1250, discount: 0 },
    { quantity: bulkQuantity - 1, unitCents: 1250, discount: 0 },
    { quantity: bulkQuantity, unitCents: 1250, discount: 625 },
    { quantity: 12, unitCents: 540, discount: 648 },
    { quantity: 7, unitCents: 333, discount: 234 },
  ])('$quantity pieces at $unitCents cents: $discount cents off', ({ quantity, unitCents, discount }) => {
    expect(lineDiscountCents({ quantity, unitCents })).toBe(discount);
  });
});

describe('the quote of an order', () => {
  test('an empty order costs nothing, not even shipping', () => {
    expect(quote([])).toEqual({ goodsCents: 0, discountCents: 0, shippingCents: 0, totalCents: 0 });
  });

  test('a small order pays shipping', () => {
    expect(quote([{ unitCents: 1250, quantity: 2 }])).toEqual({
      goodsCents: 2500,
      discountCents: 0,
      shippingCents,
      totalCents: 2500 + shippingCents,
    });
  });

  test('the discount is per line: five different products get none', () => {
    const lines = [100, 200, 300, 400, 500].map((unitCents) => ({ unitCents, quantity: 1 }));
    expect(quote(lines).discountCents).toBe(0);
  });

  test('goods worth exactly the limit travel free', () => {
    expect(quote([{ unitCents: freeShippingFromCents, quantity: 1 }]).shippingCents).toBe(0);
    expect(quote([{ unitCents: freeShippingFromCents - 1, quantity: 1 }]).shippingCents).toBe(shippingCents);
  });

  test('what counts for free shipping is the worth after the discount', () => {
    expect(quote([{ unitCents: 1000, quantity: 5 }])).toEqual({
      goodsCents: 5000,
      discountCents: 500,
      shippingCents,
      totalCents: 4500 + shippingCents,
    });
  });
});

test.each([
  [0, '€0.00'],
  [5, '€0.05'],
  [1250, '€12.50'],
  [123456, '€1,234.56'],
])('%i cents read %s', (cents, text) => {
  expect(formatCents(cents)).toBe(text);
});
