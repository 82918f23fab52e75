import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { quote } from '../shared/pricing.ts';
import { mergeItems, shortages, type Shortage } from '../shared/stock.ts';
import type { Order, OrderLine, OrderRequest, Product } from '../shared/types.ts';

export type PlacedOrder =
  | { readonly order: Order }
  | { readonly unknown: readonly string[] }
  | { readonly shortages: readonly Shortage[] };

export function listProducts(db: DatabaseSync): readonly Product[] {
  return db.prepare('SELECT * FROM products ORDER BY name').all().map(toProduct);
}

/** The latest orders, newest first. */
export function listOrders(db: DatabaseSync, limit = 50): readonly Order[] {
  const rows = db.prepare('SELECT * FROM orders ORDER BY id DESC LIMIT ?').all(limit);
  return rows.map((row) => toOrder(row, linesOf(db, Number(row['id']))));
}

export function findOrder(db: DatabaseSync, id: number): Order | undefined {
  const row = db.prepare('SELECT * FROM orders WHERE id = ?').get(id);
  return row && toOrder(row, linesOf(db, id));
}

/** Checks the stock, takes the goods out of it and writes the order: all of it, or nothing. */
export function placeOrder(db: DatabaseSync, request: OrderRequest, now: Date): PlacedOrder {
  db.exec('BEGIN IMMEDIATE');
  try {
    const placed = checkAndWrite(db, request, now);
    db.exec('order' in placed ? 'COMMIT' : 'ROLLBACK');
    return placed;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

function checkAndWrite(db: DatabaseSync, request: OrderRequest, now: Date): PlacedOrder {
  const products = new Map(listProducts(db).map((product) => [product.id, product]));
  const items = mergeItems(request.items);
  const unknown = items.map((item) => item.productId).filter((id) => !products.has(id));
  if (unknown.length > 0) return { unknown };

  const stock = new Map([...products.values()].map((product) => [product.id, product.stock]));
  const missing = shortages(stock, items);
  if (missing.length > 0) return { shortages: missing };

  const lines = items.flatMap(({ productId, quantity }) => {
    const product = products.get(productId);
    return product ? [{ productId, name: product.name, unitCents: product.priceCents, quantity }] : [];
  });
  return { order: writeOrder(db, request.customer, lines, now) };
}

function writeOrder(db: DatabaseSync, customer: string, lines: readonly OrderLine[], now: Date): Order {
  const { discountCents, shippingCents, totalCents } = quote(lines);
  const createdAt = now.toISOString();
  const { lastInsertRowid } = db
    .prepare(
      'INSERT INTO orders (customer, discount_cents, shipping_cents, total_cents, created_at) VALUES (?, ?, ?, ?, ?)',
    )
    .run(customer, discountCents, shippingCents, totalCents, createdAt);
  const id = Number(lastInsertRowid);

  const addLine = db.prepare(
    'INSERT INTO order_lines (order_id, product_id, name, unit_cents, quantity) VALUES (?, ?, ?, ?, ?)',
  );
  const takeFromStock = db.prepare('UPDATE products SET stock = stock - ? WHERE id = ?');
  for (const line of lines) {
    addLine.run(id, line.productId, line.name, line.unitCents, line.quantity);
    takeFromStock.run(line.quantity, line.productId);
  }
  return { id, customer, lines, discountCents, shippingCents, totalCents, createdAt };
}

function linesOf(db: DatabaseSync, orderId: number): readonly OrderLine[] {
  return db.prepare('SELECT * FROM order_lines WHERE order_id = ? ORDER BY name').all(orderId).map(toLine);
}

type Row = Readonly<Record<string, SQLOutputValue>>;

function toProduct(row: Row): Product {
  return {
    id: String(row['id']),
    name: String(row['name']),
    description: String(row['description']),
    priceCents: Number(row['price_cents']),
    stock: Number(row['stock']),
  };
}

function toOrder(row: Row, lines: readonly OrderLine[]): Order {
  return {
    id: Number(row['id']),
    customer: String(row['customer']),
    lines,
    discountCents: Number(row['discount_cents']),
    shippingCents: Number(row['shipping_cents']),
    totalCents: Number(row['total_cents']),
    createdAt: String(row['created_at']),
  };
}

function toLine(row: Row): OrderLine {
  return {
    productId: String(row['product_id']),
    name: String(row['name']),
    unitCents: Number(row['unit_cents']),
    quantity: Number(row['quantity']),
  };
}
