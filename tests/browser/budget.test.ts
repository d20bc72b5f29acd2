/** What the first page costs whoever opens it. */
import { expect, test } from './test';

const SCRIPT = 250 * 1024;
const FIRST_PAINT = 1000;

for (const path of ['/sign-in', '/products']) {
  test(`${path} loads little and shows soon`, async ({ firm, open }) => {
    const window = await open(path === '/sign-in' ? {} : { firm });
    const sizes: Array<Promise<number>> = [];
    window.page.on('requestfinished', (request) => {
      if (request.resourceType() === 'script') sizes.push(request.sizes().then((size) => size.responseBodySize));
    });
    // Once for the host's own caches, then with an empty cache of the browser.
    await fetch(firm.url + path, { headers: { accept: 'text/html' } });
    await window.go(path);
    const paint = await window.page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity);
    const script = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    console.log(`${path}: ${sizes.length} scripts of ${(script / 1024).toFixed(1)} kB as sent, first contentful paint after ${paint.toFixed(0)} ms`);
    expect(script).toBeGreaterThan(0);
    expect(script).toBeLessThanOrEqual(SCRIPT);
    expect(paint).toBeLessThan(FIRST_PAINT);
  });
}
