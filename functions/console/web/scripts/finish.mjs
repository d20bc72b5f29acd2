// After the build: compresses what is worth it, and holds the first script to its budget.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const BUDGET = 250 * 1024;
const dist = new URL('../dist/', import.meta.url);
const assets = new URL('assets/', dist);

for (const name of await readdir(assets)) {
  if (!/\.(js|css|svg|json)$/.test(name)) continue;
  const file = new URL(name, assets);
  const bytes = await readFile(file);
  if (bytes.length < 1024) continue;
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  await writeFile(new URL(`${name}.br`, assets), brotli);
  await writeFile(new URL(`${name}.gz`, assets), gzipSync(bytes, { level: 9 }));
}

// What the page loads before it can show anything: the entry and everything it imports without being asked.
const chunks = new URL('manifest.json', dist);
const manifest = JSON.parse(await readFile(chunks, 'utf8'));
// Nobody else asks for it.
await rm(chunks);
const first = new Set();
const follow = (key) => {
  if (first.has(key)) return;
  first.add(key);
  for (const next of manifest[key]?.imports ?? []) follow(next);
};
follow('index.html');
let size = 0;
for (const key of first) {
  size += gzipSync(await readFile(new URL(manifest[key].file, dist)), { level: 9 }).length;
}
const kilobytes = (size / 1024).toFixed(1);
if (size > BUDGET) {
  console.error(`The first script is ${kilobytes} kB gzip; its budget is ${BUDGET / 1024} kB.`);
  process.exit(1);
}
console.log(`first script: ${kilobytes} kB gzip of ${BUDGET / 1024} kB`);
