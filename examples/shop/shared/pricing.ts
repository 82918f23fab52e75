/** The price rules, used by the API (which decides) and by the UI (which shows the total while one shops). */

/** From this many pieces of one product on, that line is cheaper. */
export const bulkQuantity = 5;
const bulkPercent = 10;
export const shippingCents = 490;
/** Goods worth this much, after discounts, travel free. */
export const freeShippingFromCents = 5000;

export interface PricedLine {
  readonly unitCents: number;
  readonly quantity: number;
}

export interface Quote {
  readonly goodsCents: number;
  readonly discountCents: number;
  readonly shippingCents: number;
  readonly totalCents: number;
}

/** The discount on one line, rounded to whole cents in the customer's favour. */
export function lineDiscountCents(line: PricedLine): number {
  if (line.quantity < bulkQuantity) return 0;
  return Math.ceil((line.unitCents * line.quantity * bulkPercent) / 100);
}

/** What an order of these lines costs. An empty order costs nothing. */
export function quote(lines: readonly PricedLine[]): Quote {
  const goodsCents = sum(lines.map((line) => line.unitCents * line.quantity));
  const discountCents = sum(lines.map(lineDiscountCents));
  const worth = goodsCents - discountCents;
  const shipping = lines.length === 0 || worth >= freeShippingFromCents ? 0 : shippingCents;
  return { goodsCents, discountCents, shippingCents: shipping, totalCents: worth + shipping };
}

const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });

/** `1250` -> `€12.50`. */
export function formatCents(cents: number): string {
  return euros.format(cents / 100);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
