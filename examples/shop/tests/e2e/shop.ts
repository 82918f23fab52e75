import { existsSync } from 'node:fs';
import { createServer } from 'vite';
import type { TestProject } from 'vitest/node';
import { portOf, startApi } from '../api.ts';
import { chromiumPath } from './browser.ts';

/** The shop under test: where its UI answers and which file its orders end up in. */
export interface Shop {
  readonly url: string;
  readonly database: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    shop: Shop;
  }
}

/** Finds the shop that is running, or starts one with a database of its own and ends it after the tests. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  chromiumPath();
  const running = await runningShop();
  if (running) {
    project.provide('shop', running);
    say(`against the running shop at ${running.url}, database ${running.database}`);
    return undefined;
  }
  const { shop, close } = await startShop();
  project.provide('shop', shop);
  say(`against a shop of its own at ${shop.url}`);
  return close;
}

async function runningShop(): Promise<Shop | undefined> {
  const database = process.env['SHOP_DB'] || 'data/shop.db';
  const given = process.env['SHOP_URL'];
  if (given) {
    if (await isShop(given)) return { url: given, database };
    throw new Error(
      `No shop answers at SHOP_URL=${given}. Start it (npm run dev:api, npm run dev:ui) or unset SHOP_URL.`,
    );
  }
  const url = `http://localhost:${process.env['UI_PORT'] || 5173}/`;
  // Without a database here, a shop that answers on that port was started from some other folder.
  return existsSync(database) && (await isShop(url)) ? { url, database } : undefined;
}

async function isShop(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(5000);
    const [page, products] = await Promise.all([
      fetch(url, { signal }),
      fetch(new URL('/api/products', url), { signal }),
    ]);
    return products.ok && (await page.text()).includes('<title>Kettle &amp; Cup</title>');
  } catch {
    return false; // nobody listens there
  }
}

async function startShop(): Promise<{ shop: Shop; close: () => Promise<void> }> {
  const api = await startApi();
  const ui = await createServer({
    server: { port: 0, hmr: false, proxy: { '/api': { target: api.url } } },
    logLevel: 'warn',
  });
  await ui.listen();

  async function close(): Promise<void> {
    await ui.close();
    await api.close();
  }
  return { shop: { url: `http://localhost:${portOf(ui.httpServer)}/`, database: api.database }, close };
}

function say(text: string): void {
  process.stdout.write(`e2e: ${text}\n`);
}
