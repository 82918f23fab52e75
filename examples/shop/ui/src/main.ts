import { formatCents } from '../../shared/pricing.ts';
import type { Order, OrderLine, Product } from '../../shared/types.ts';
import { fetchOrders, fetchProducts, sendOrder } from './api.ts';
import { byId } from './element.ts';
import { cartView, orderRow, productCard } from './views.ts';

const productList = byId('products', HTMLUListElement);
const cartBox = byId('cart', HTMLDivElement);
const orderList = byId('orders', HTMLOListElement);
const form = byId('order', HTMLFormElement);
const customer = byId('customer', HTMLInputElement);
const message = byId('message', HTMLParagraphElement);
const submit = form.querySelector('button')!;

let products: readonly Product[] = [];
let orders: readonly Order[] = [];
const cart = new Map<string, number>();

const actions = {
  add: (productId: string) => changeCart(productId, 1),
  remove: (productId: string) => changeCart(productId, -1),
};

function changeCart(productId: string, by: number): void {
  const stock = products.find(({ id }) => id === productId)?.stock ?? 0;
  const quantity = Math.min((cart.get(productId) ?? 0) + by, stock);
  if (quantity > 0) cart.set(productId, quantity);
  else cart.delete(productId);
  say('');
  draw();
}

function cartLines(): readonly OrderLine[] {
  return products.flatMap(({ id, name, priceCents }) => {
    const quantity = cart.get(id) ?? 0;
    return quantity > 0 ? [{ productId: id, name, unitCents: priceCents, quantity }] : [];
  });
}

function draw(): void {
  const focused = document.activeElement?.getAttribute('aria-label');
  productList.replaceChildren(
    ...products.map((product) => productCard(product, cart.get(product.id) ?? 0, actions)),
  );
  cartBox.replaceChildren(cartView(cartLines(), actions));
  orderList.replaceChildren(...orders.map(orderRow));
  submit.disabled = cart.size === 0;
  // The button that was just pressed is a new one now: whoever shops by keyboard stays on it.
  if (focused) document.querySelector<HTMLElement>(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
}

async function load(): Promise<void> {
  [products, orders] = await Promise.all([fetchProducts(), fetchOrders()]);
  draw();
}

async function placeOrder(): Promise<void> {
  submit.disabled = true;
  try {
    const items = [...cart].map(([productId, quantity]) => ({ productId, quantity }));
    const order = await sendOrder({ customer: customer.value, items });
    cart.clear();
    form.reset();
    say(`Thank you! Order #${order.id} comes to ${formatCents(order.totalCents)}.`);
    await load();
  } catch (error) {
    complain(error);
    draw();
  }
}

function say(text: string, kind: 'good' | 'bad' = 'good'): void {
  message.textContent = text;
  message.dataset['kind'] = kind;
}

function complain(error: unknown): void {
  say(error instanceof Error ? error.message : String(error), 'bad');
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void placeOrder();
});
load().catch(complain);
