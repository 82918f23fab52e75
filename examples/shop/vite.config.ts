import { defineConfig } from 'vite';

const port = Number(process.env['PORT'] || 5173);
const api = process.env['API_URL'] || 'http://localhost:8080';

export default defineConfig({
  root: 'ui',
  server: {
    host: '127.0.0.1',
    port,
    strictPort: true,
    proxy: { '/api': { target: api } },
  },
  build: { outDir: '../dist', emptyOutDir: true },
  clearScreen: false,
});
