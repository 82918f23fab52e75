import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** The browser to drive. Throws with what to do when there is none. */
export function chromiumPath(): string {
  const path = process.env['CHROMIUM_PATH'] || '/usr/bin/chromium';
  if (existsSync(path)) return path;
  throw new Error(
    `No Chromium at ${path}. Install it (Debian, Ubuntu: sudo apt-get install -y chromium) or set CHROMIUM_PATH.`,
  );
}

/** Works as root, in containers and without a way out to the internet. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
