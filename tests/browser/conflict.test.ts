/** Two people change one record: nobody's value is lost unseen. */
import type { Page } from 'playwright-core';
import { expect, test } from './test';

async function change(page: Page, field: string, value: string): Promise<void> {
  await page.getByRole('button', { name: `Edit ${field}:` }).click();
  const input = page.getByRole('textbox', { name: field, exact: true });
  await input.fill(value);
  await input.press('Enter');
}

for (const [choice, kept] of [['Keep the value now', 'Hers'], ['Use my value', 'His']] as const) {
  test(`both values are shown, and one is chosen: ${choice}`, async ({ firm, open }) => {
    const [product] = await firm.make('products', [{ name: 'Assam', sku: 'A-1', category: 'Tea' }]);
    const hers = await open({ firm });
    const his = await open({ firm });
    his.expect(/status of 412/);
    await hers.go(`/products/${product!.id}`);
    await his.go(`/products/${product!.id}`);
    await change(hers.page, 'Category', 'Hers');
    await expect.poll(async () => (await firm.get(`/v1/products/${product!.id}`)).category).toBe('Hers');

    await change(his.page, 'Category', 'His');
    const dialogue = his.page.getByRole('dialog', { name: 'Somebody else was faster' });
    await dialogue.getByRole('row', { name: 'Category His Hers' }).waitFor();
    await dialogue.getByRole('button', { name: choice }).click();
    await dialogue.waitFor({ state: 'hidden' });
    await his.page.getByRole('button', { name: `Edit Category: ${kept}` }).waitFor();
    await expect.poll(async () => (await firm.get(`/v1/products/${product!.id}`)).category).toBe(kept);
  });
}

test('changes of other fields do not get in each other’s way once the newer version is known', async ({ firm, open }) => {
  const [product] = await firm.make('products', [{ name: 'Assam', sku: 'A-1', category: 'Tea' }]);
  const window = await open({ firm });
  await window.go(`/products/${product!.id}`);
  await change(window.page, 'Category', 'Black tea');
  await expect.poll(async () => (await firm.get(`/v1/products/${product!.id}`)).category).toBe('Black tea');
  await change(window.page, 'Unit', 'tin');
  await expect.poll(async () => (await firm.get(`/v1/products/${product!.id}`)).unit).toBe('tin');
  expect(await window.page.getByRole('dialog').count()).toBe(0);
});
