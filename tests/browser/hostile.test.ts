/** Whatever somebody calls a thing, it is shown as text, harmlessly, within the window. */
import { describe } from 'vitest';
import type { Firm } from './firm';
import { openRecords } from './records';
import { expect, test } from './test';
import { overflow } from './window';

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

for (const [kind, name] of Object.entries(NAMES)) {
  describe(kind, () => {
    for (const width of ['wide', 'phone'] as const) {
      test(width, { timeout: 120_000 }, async ({ firm, open }) => {
        const records = await openRecords(firm, name);
        const window = await open({ firm, width });
        for (const path of ['/', '/leads', '/customers', '/companies', '/orders', '/products', '/tickets', '/tickets/board', ...records.map(({ path }) => path)]) {
          await window.go(path);
          expect.soft(await overflow(window.page), `${path}: pixels wider than the window`).toBeLessThanOrEqual(0);
          expect.soft(await window.page.locator('img[src="x"], script:not([src])').count(), path).toBe(0);
        }
        for (const { path, title, noun } of records) {
          if (noun === 'orders') continue;
          await window.go(path);
          expect.soft(seen(await window.page.getByRole('heading', { level: 1 }).innerText()), path).toContain(seen(title));
        }
      });
    }
  });
}

test('a cell of a file that a report makes is no formula', async ({ firm }) => {
  await openRecords(firm, NAMES.formula);
  const today = new Date().toISOString().slice(0, 8);
  const csv = await eventually(firm, `/v1/reports/customers?from=${today}01&to=${today}28&format=csv`);
  expect(csv).toContain(`'=HYPERLINK(`);
  expect(csv).not.toMatch(/(^|,)"?[=+@]/m);
});

async function eventually(firm: Firm, path: string): Promise<string> {
  let text = '';
  await expect
    .poll(async () => {
      const response = await fetch(firm.url + path, { headers: { authorization: `Bearer ${firm.session.access}`, accept: 'text/csv' } });
      text = await response.text();
      return text;
    })
    .toContain('HYPERLINK');
  return text;
}
