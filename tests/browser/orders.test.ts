/** The grid of an order keeps up with whoever types faster than the service answers. */
import { expect, test } from './test';

test('a number from a scanner is taken, though Enter comes before the search has answered', async ({ firm, open }) => {
  await firm.make('products', [{ name: 'Assam second flush', sku: 'AS-2', price: { amount: '12.50', currency: 'GBP' } }]);
  const { page, go } = await open({ firm });
  await go('/orders/new');
  await page.getByLabel('Product, line 1').focus();
  await page.keyboard.type('AS-2');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.getByLabel('Price, line 1').inputValue()).toBe('12.50');
  await page.getByText('£12.50').first().waitFor();
});
