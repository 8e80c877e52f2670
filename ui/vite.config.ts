import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// While one works on the interface, `consign serve` answers for the API.
const server = process.env.CONSIGN_SERVER ?? 'http://127.0.0.1:8470';
const proxy = { '/api': { target: server, changeOrigin: true } };

export default defineConfig({
  plugins: [react()],
  server: { host: '127.0.0.1', port: 5170, proxy },
  preview: { host: '127.0.0.1', port: 5171, proxy },
  // The server's content security policy takes no `data:` fonts, and no script in the page.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
