import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// While one works on the interface, `consign serve` answers for the API.
const server = process.env.CONSIGN_SERVER ?? 'http://127.0.0.1:8470';
// As the server says it, so that what it forbids is seen before.
const headers = {
  'Content-Security-Policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
};
// It refuses what comes from a page of another site, and so is told that the page is its own.
const proxy = { '/api': { target: server, changeOrigin: true, headers: { Origin: server } } };

export default defineConfig({
  plugins: [react()],
  server: { host: '127.0.0.1', port: 5170, proxy },
  preview: { host: '127.0.0.1', port: 5171, proxy, headers },
  // The content security policy takes no `data:` fonts, and no script in the page.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, manifest: true },
});
