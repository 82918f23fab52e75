import { openDatabase } from './database.ts';
import { createApi } from './server.ts';

const port = Number(process.env['PORT'] || 8080);
const file = process.env['SHOP_DB'] || 'data/shop.db';

const db = openDatabase(file);
const server = createApi(db, say);

server.on('error', (error: NodeJS.ErrnoException) => {
  const why =
    error.code === 'EADDRINUSE' ? `port ${port} is already taken (PORT names another)` : error.message;
  process.stderr.write(`The API cannot start: ${why}\n`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => say(`API listens on http://localhost:${port}, database ${file}`));

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

/**
 * Answers what is under way, then ends; whoever is slow is cut off after a second. The signal may come more
 * than once: from the terminal, from npm and from `node --watch`.
 */
function stop(): void {
  if (stopping) return;
  stopping = true;
  server.close(() => {
    db.close();
    process.exit(0);
  });
  setTimeout(() => server.closeAllConnections(), 1000).unref();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
