import { bulkQuantity, formatCents, quote } from '../../shared/pricing.ts';
import type { Order, OrderLine, Product } from '../../shared/types.ts';
import { button, element } from './element.ts';
import { picture } from './pictures.ts';

export interface CartActions {
  readonly add: (productId: string) => void;
  readonly remove: (productId: string) => void;
}

export function productCard(product: Product, inCart: number, actions: CartActions): HTMLLIElement {
  const left = product.stock - inCart;
  const add = button('Add', `Add ${product.name}`, () => actions.add(product.id));
  add.disabled = left <= 0;
  return element(
    'li',
    { class: 'card', 'data-product': product.id },
    picture(product.id),
    element('h3', {}, product.name),
    element('p', { class: 'quiet' }, product.description),
    element(
      'div',
      { class: 'row' },
      element('strong', { class: 'price' }, formatCents(product.priceCents)),
      element('span', { class: left > 0 ? 'quiet' : 'sold-out' }, left > 0 ? `${left} left` : 'Sold out'),
      add,
    ),
  );
}

export function cartView(lines: readonly OrderLine[], actions: CartActions): HTMLElement {
  if (lines.length === 0) return element('p', { class: 'quiet' }, 'Nothing in it yet.');
  const { discountCents, shippingCents, totalCents } = quote(lines);
  const rows = [
    ...lines.map((line) => cartLine(line, actions)),
    ...(discountCents > 0
      ? [sumRow(`Discount from ${bulkQuantity} pieces`, `−${formatCents(discountCents)}`)]
      : []),
    sumRow('Shipping', shippingCents > 0 ? formatCents(shippingCents) : 'free'),
    sumRow('Total', formatCents(totalCents), 'total'),
  ];
  return element('ul', { class: 'cart' }, ...rows);
}

export function orderRow(order: Order): HTMLLIElement {
  const goods = order.lines.map(({ name, quantity }) => `${quantity} × ${name}`).join(', ');
  return element(
    'li',
    { 'data-order': String(order.id) },
    element(
      'div',
      { class: 'row' },
      element('strong', {}, `#${order.id} ${order.customer}`),
      element('span', { class: 'price' }, formatCents(order.totalCents)),
    ),
    element('p', { class: 'quiet' }, goods),
  );
}

function cartLine(line: OrderLine, actions: CartActions): HTMLLIElement {
  const cents = line.unitCents * line.quantity;
  return element(
    'li',
    { class: 'row' },
    element('span', { class: 'grow' }, line.name),
    button('−', `One ${line.name} fewer`, () => actions.remove(line.productId)),
    element('span', { class: 'count' }, String(line.quantity)),
    button('+', `One more ${line.name}`, () => actions.add(line.productId)),
    element('span', { class: 'price' }, formatCents(cents)),
  );
}

function sumRow(label: string, amount: string, kind = 'quiet'): HTMLLIElement {
  return element(
    'li',
    { class: `row ${kind}` },
    element('span', { class: 'grow' }, label),
    element('span', { class: 'price' }, amount),
  );
}
