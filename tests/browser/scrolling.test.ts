/** A long list, scrolled to its end by wheel, keeps moving. `npm run measure` takes 20,000 customers, `npm test` 2,000. */
import { framesOf } from './frames';
import { expect, test } from './test';

const measure = process.env.WALK === 'measure';
const CUSTOMERS = measure ? 20_000 : 2_000;
const LONGEST_FRAME = 100;

test(`${CUSTOMERS} customers scroll without a frame over ${LONGEST_FRAME} ms`, { timeout: 900_000 }, async ({ browser, firm, open }) => {
  await firm.make('contacts', Array.from({ length: CUSTOMERS }, (_, number) => ({ name: `Customer ${number}`, emails: [{ address: `c${number}@customer.example` }] })));
  const window = await open({ firm });
  const { page } = window;
  await window.go('/customers');
  const grid = page.getByRole('grid', { name: 'Customers' });
  await grid.getByText(/^Customer \d+$/).first().waitFor();
  await grid.hover();
  // Rows come in pages, so the wheel turns until the last of all is drawn; the head is a row too.
  const end = grid.locator(`[aria-rowindex="${CUSTOMERS + 1}"]`);
  const { count, gaps, busiest } = await framesOf(browser, page, async () => {
    const late = Date.now() + 600_000;
    while ((await end.count()) === 0) {
      if (Date.now() > late) throw new Error('the end of the list was not reached');
      await page.mouse.wheel(0, 2400);
      await page.evaluate(() => new Promise((next) => requestAnimationFrame(next)));
    }
  });
  expect(await grid.getAttribute('aria-rowcount')).toBe(String(CUSTOMERS + 1));
  const rank = (share: number) => gaps[Math.floor(share * (gaps.length - 1))]!.toFixed(0);
  console.log(`${CUSTOMERS} customers: ${count} frames, median ${rank(0.5)} ms, 99th percentile ${rank(0.99)} ms, longest ${rank(1)} ms; most work in one frame ${busiest.toFixed(0)} ms`);
  expect(count).toBeGreaterThan(30);
  // The short form runs beside whatever else is being checked: there, only what the page itself does counts.
  expect(measure ? gaps.at(-1) : busiest).toBeLessThanOrEqual(LONGEST_FRAME);
});
