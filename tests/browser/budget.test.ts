/** What the first page costs whoever opens it. */
import { expect, test } from './test';

const SCRIPT = 250 * 1024;
/** Milliseconds of the page's own thread until it is all there. By the processor's clock, since the wall's tells more of the machine's other work. */
const WORK = 1000;

for (const path of ['/sign-in', '/']) {
  test(`${path} loads little and shows soon`, async ({ firm, open }) => {
    // Once for the host's own caches; the browser's cache is empty each time.
    await fetch(firm.url + path, { headers: { accept: 'text/html' } });
    const window = await open(path === '/sign-in' ? {} : { firm });
    const devtools = await window.context.newCDPSession(window.page);
    await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
    await window.go(path);
    const { metrics } = await devtools.send('Performance.getMetrics');
    const work = 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Infinity);
    const { paint, first, all } = await window.page.evaluate(() => {
      const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity;
      const scripts = (performance.getEntriesByType('resource') as PerformanceResourceTiming[]).filter(({ name }) => name.endsWith('.js'));
      const size = (some: PerformanceResourceTiming[]) => some.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
      return { paint, first: size(scripts.filter(({ startTime }) => startTime < paint)), all: size(scripts) };
    });
    const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} kB`;
    console.log(`${path}: first contentful paint after ${paint.toFixed(0)} ms, ${work.toFixed(0)} ms of work until it is all there, with ${kilobytes(first)} of scripts, ${kilobytes(all)} in the end, compressed`);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(SCRIPT);
    expect(paint).toBeLessThan(Infinity);
    expect(work).toBeGreaterThan(0);
    expect(work).toBeLessThan(WORK);
  });
}
