// Says how much script the first page takes, compressed, and fails where that is more than it may be: somebody on a slow
// line waits for it.
import { readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const MOST_KB = 300;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist)));
// It is not part of the interface.
rmSync(new URL('.vite', dist), { recursive: true });

const files = new Set();
const take = (name) => {
  const chunk = manifest[name];
  if (!chunk || files.has(chunk.file)) return;
  files.add(chunk.file);
  chunk.imports?.forEach(take);
};
take('index.html');
take('src/pages/campaigns/CampaignsPage.tsx');
const bytes = [...files].map((file) => gzipSync(readFileSync(new URL(file, dist))).length);
const kb = bytes.reduce((sum, one) => sum + one, 0) / 1000;
console.log(`ui: the first page takes ${kb.toFixed(0)} kB of compressed script, of ${MOST_KB} that it may`);
if (files.size < 2 || kb > MOST_KB) {
  console.error(files.size < 2 ? 'its chunks were not found' : 'load what it does not show at first by a route of its own');
  process.exit(1);
}
