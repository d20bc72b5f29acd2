/** The connection is lost while somebody types: nothing is lost, and nothing is done twice. */
import { type Page } from 'playwright-core';
import { expect, test } from './test';

async function fill(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Name' }).fill('Lapsang');
  await page.getByRole('textbox', { name: 'Number (SKU)' }).fill('L-1');
}

test('a form keeps what was typed without a connection, and sends it when there is one', async ({ firm, open }) => {
  const window = await open({ firm });
  window.expect(/ERR_INTERNET_DISCONNECTED/);
  const { page } = window;
  await window.go('/products?create=1');
  await fill(page);
  await window.context.setOffline(true);
  await page.getByRole('button', { name: 'Create product' }).click();
  await page.getByRole('alert').getByText('What you typed is kept').waitFor();
  expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('Lapsang');
  expect(await page.getByRole('textbox', { name: 'Number (SKU)' }).inputValue()).toBe('L-1');
  await window.context.setOffline(false);
  await page.getByRole('button', { name: 'Create product' }).click();
  await page.getByText('Lapsang was created').waitFor();
  expect((await firm.get('/v1/products')).data).toHaveLength(1);
});

test('what the service has done without being heard is done once', async ({ firm, open }) => {
  const window = await open({ firm });
  window.expect(/ERR_FAILED/);
  const { page } = window;
  await window.go('/products?create=1');
  await fill(page);
  // The request arrives, its answer does not.
  let attempts: Array<string | null> = [];
  await page.route('**/v1/products', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    attempts = [...attempts, await route.request().headerValue('idempotency-key')];
    const response = await route.fetch();
    if (attempts.length > 1) return route.fulfill({ response });
    expect(response.status()).toBe(201);
    return route.abort('failed');
  });
  await page.getByRole('button', { name: 'Create product' }).click();
  await page.getByRole('alert').getByText('What you typed is kept').waitFor();
  await page.getByRole('button', { name: 'Create product' }).click();
  await page.getByText('Lapsang was created').waitFor();
  expect(attempts).toHaveLength(2);
  expect(attempts[0]).toBe(attempts[1]);
  expect((await firm.get('/v1/products')).data).toHaveLength(1);
});

test('a field that could not be saved is kept in words, and saved by a button', async ({ firm, open }) => {
  const [product] = await firm.make('products', [{ name: 'Assam', sku: 'A-1', category: 'Tea' }]);
  const window = await open({ firm });
  window.expect(/ERR_INTERNET_DISCONNECTED/);
  const { page } = window;
  await window.go(`/products/${product!.id}`);
  await window.context.setOffline(true);
  await page.getByRole('button', { name: 'Edit Category: Tea' }).click();
  await page.getByRole('textbox', { name: 'Category' }).fill('Coffee');
  await page.getByRole('textbox', { name: 'Category' }).press('Enter');
  const note = page.getByRole('alert').filter({ hasText: 'No connection' });
  await note.getByText('Category: Coffee').waitFor();
  // What is shown is what the service has.
  await page.getByRole('button', { name: 'Edit Category: Tea' }).waitFor();
  await window.context.setOffline(false);
  await note.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Edit Category: Coffee' }).waitFor();
  await expect.poll(async () => (await firm.get(`/v1/products/${product!.id}`)).category).toBe('Coffee');
});

test('a list that could not be read is read again by a button', async ({ firm, open }) => {
  await firm.make('products', [{ name: 'Assam', sku: 'A-1' }]);
  const window = await open({ firm });
  window.expect(/ERR_FAILED/);
  const { page } = window;
  await page.route('**/v1/products?**', (route) => route.abort('failed'));
  await page.goto('/products');
  await page.getByRole('alert').getByText('No connection').waitFor();
  await page.unroute('**/v1/products?**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Assam').waitFor();
});
