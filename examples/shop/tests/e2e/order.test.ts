import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { launchBrowser } from './browser.ts';

const shop = inject('shop');
let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1200, height: 860 } });
  page.setDefaultTimeout(10_000);
  await page.goto(shop.url);
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await page.screenshot({ path: 'reports/e2e-failure.png' });
  await page.close();
});

test('a customer orders two boxes of filters, and the order is in the database', async () => {
  const customer = `Grace Hopper ${randomUUID().slice(0, 4)}`;
  const stockBefore = query('SELECT stock FROM products WHERE id = ?', 'filters')?.['stock'];

  await page.getByRole('button', { name: 'Add Paper filters' }).click();
  await page.getByRole('button', { name: 'One more Paper filters' }).click();
  expect(await page.locator('#cart .total').textContent()).toBe('Total€15.70');

  await page.getByLabel('Your name').fill(customer);
  await page.getByRole('button', { name: 'Place order' }).click();
  const thanks = page.getByRole('status').filter({ hasText: 'Thank you!' });
  await thanks.waitFor();
  const id = Number(/#(\d+)/.exec((await thanks.textContent()) ?? '')?.[1]);
  expect(await thanks.textContent()).toBe(`Thank you! Order #${id} comes to €15.70.`);
  expect(await page.locator(`[data-order="${id}"]`).textContent()).toContain('2 × Paper filters');

  expect(
    query('SELECT customer, shipping_cents, total_cents FROM orders WHERE id = ?', id),
    `order ${id} in ${shop.database} (SHOP_DB names the database of the running API)`,
  ).toEqual({ customer, shipping_cents: 490, total_cents: 1570 });
  expect(query('SELECT product_id, quantity FROM order_lines WHERE order_id = ?', id)).toEqual({
    product_id: 'filters',
    quantity: 2,
  });
  expect(query('SELECT stock FROM products WHERE id = ?', 'filters')?.['stock']).toBe(
    Number(stockBefore) - 2,
  );
});

test('an empty cart cannot be ordered', async () => {
  await page.getByRole('button', { name: 'Add Stoneware mug' }).click();
  const order = page.getByRole('button', { name: 'Place order' });
  expect(await order.isEnabled()).toBe(true);
  await page.getByRole('button', { name: 'One Stoneware mug fewer' }).click();
  expect(await order.isEnabled()).toBe(false);
});

function query(sql: string, value: string | number): Record<string, unknown> | undefined {
  const db = new DatabaseSync(shop.database, { readOnly: true });
  try {
    const row = db.prepare(sql).get(value);
    return row && { ...row };
  } finally {
    db.close();
  }
}
