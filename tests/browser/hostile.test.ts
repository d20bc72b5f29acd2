/** Whatever somebody calls a thing, it is shown as text, harmlessly, within the window. */
import { readFile } from 'node:fs/promises';
import { describe } from 'vitest';
import { openRecords } from './records';
import { expect, test } from './test';
import { overflow, type Window } from './window';

/** By what they try. */
const NAMES = {
  script: `"><img src=x onerror=alert(1)><script>alert(2)</script>`,
  template: '{{constructor.constructor("alert(3)")()}} $t(common.save) ${alert(4)}',
  direction: '\u202Egnp.exe \u202Dleft \u2066isolate',
  long: 'W'.repeat(180),
  emoji: '👩‍👩‍👧‍👦🫖🏴󠁧󠁢󠁳󠁣󠁴󠁿 é̶̢̛͔̀ 茶葉有限公司',
  formula: '=HYPERLINK("https://evil.example","x")',
};

const seen = (text: string) => text.replace(/\s+/g, ' ').trim();

/** Nothing of it became part of the page, and nothing stands out of it. */
async function harmless({ page }: Window, path: string): Promise<void> {
  expect.soft(await overflow(page), `${path}: pixels wider than the window`).toBeLessThanOrEqual(0);
  expect.soft(await page.locator('img[src="x"], script:not([src])').count(), path).toBe(0);
}

for (const width of ['wide', 'phone'] as const) {
  test(`lists, ${width}`, { timeout: 120_000 }, async ({ firm, open }) => {
    for (const name of Object.values(NAMES)) await openRecords(firm, name);
    const window = await open({ firm, width });
    for (const path of ['/', '/leads', '/customers', '/companies', '/orders', '/products', '/tickets', '/tickets/board']) {
      await window.go(path);
      await harmless(window, path);
    }
  });
}

describe('records', () => {
  for (const [index, [kind, name]] of Object.entries(NAMES).entries()) {
    // The phone is the harder one for what is long; the others take turns.
    const width = kind === 'long' || index % 2 ? 'phone' : 'wide';
    test(`${kind}, ${width}`, { timeout: 120_000 }, async ({ firm, open }) => {
      const window = await open({ firm, width });
      for (const { path, title, noun } of await openRecords(firm, name)) {
        await window.go(path);
        await harmless(window, path);
        if (noun !== 'orders') expect.soft(seen(await window.page.getByRole('heading', { level: 1 }).innerText()), path).toContain(seen(title));
      }
    });
  }
});

test('a cell of a file that a report makes is no formula', async ({ firm, open }) => {
  const [contact] = await firm.make('contacts', [{ name: NAMES.formula }]);
  await firm.post('/v1/orders', {
    contact_id: contact!.id, currency: 'GBP', status: 'fulfilled', lines: [{ sku: '+1', name: '@x', quantity: '1', unit_price: '5' }],
  });
  const window = await open({ firm });
  const { page } = window;
  await expect.poll(async () => {
    await window.go('/reports/trading');
    return page.getByText(NAMES.formula).count();
  }, { timeout: 30_000 }).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'CSV' }).first().click()]);
  const csv = await readFile(await download.path(), 'utf8');
  expect(csv).toContain(`'=HYPERLINK(`);
  expect(csv).not.toMatch(/(^|,)"?[=+@\t]/m);
});
