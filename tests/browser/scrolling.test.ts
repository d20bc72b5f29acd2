/** A long list, scrolled to its end by wheel, keeps moving. `npm run measure` takes 20,000 customers, `npm test` 2,000. */
import { expect, test } from './test';

const CUSTOMERS = process.env.WALK === 'measure' ? 20_000 : 2_000;
const LONGEST_FRAME = 100;

test(`${CUSTOMERS} customers scroll without a frame over ${LONGEST_FRAME} ms`, { timeout: 900_000 }, async ({ firm, open }) => {
  await firm.make('contacts', Array.from({ length: CUSTOMERS }, (_, number) => ({ name: `Customer ${number}`, emails: [{ address: `c${number}@customer.example` }] })));
  const window = await open({ firm });
  const { page } = window;
  await window.go('/customers');
  const grid = page.getByRole('grid', { name: 'Customers' });
  await grid.getByText(`Customer ${CUSTOMERS - 1}`, { exact: true }).waitFor();
  await grid.hover();

  await page.evaluate(() => {
    const frames = ((window as any).frames_ = { gaps: [] as number[], long: [] as number[], on: true });
    let last = performance.now();
    const frame = (now: number) => {
      frames.gaps.push(now - last);
      last = now;
      if (frames.on) requestAnimationFrame(frame);
    };
    requestAnimationFrame((now) => {
      last = now;
      requestAnimationFrame(frame);
    });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) frames.long.push(entry.duration);
    }).observe({ type: 'long-animation-frame' });
  });

  // The last customer was made first. Rows come in pages, so the wheel turns until it is seen.
  const end = grid.getByText('Customer 0', { exact: true });
  const late = Date.now() + 600_000;
  while ((await end.count()) === 0) {
    if (Date.now() > late) throw new Error('the end of the list was not reached');
    await page.mouse.wheel(0, 2400);
    await page.evaluate(() => new Promise((next) => requestAnimationFrame(next)));
  }
  const { gaps, long } = await page.evaluate(() => {
    const frames = (window as any).frames_;
    frames.on = false;
    return frames as { gaps: number[]; long: number[] };
  });
  const longest = Math.max(...gaps, ...long);
  const sorted = gaps.toSorted((a, b) => a - b);
  const rank = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(0);
  console.log(`${CUSTOMERS} customers: ${gaps.length} frames, median ${rank(0.5)} ms, 99th percentile ${rank(0.99)} ms, longest ${longest.toFixed(0)} ms, long animation frames ${long.length}`);
  expect(gaps.length).toBeGreaterThan(30);
  expect(longest).toBeLessThanOrEqual(LONGEST_FRAME);
});
