/** The sample firm is put in by one button and taken out by another; what was the firm's own stays. */
import { expect, test } from './test';

test('sample data go in, fill the pages, and go out again', { timeout: 240_000 }, async ({ firm, open }) => {
  await firm.make('contacts', [{ name: 'Nobody’s sample', emails: [{ address: 'own@customer.example' }] }]);
  const { page, go } = await open({ firm });
  await go('/welcome');
  await page.getByRole('button', { name: 'Put in sample data' }).click();
  await page.getByText('The sample is in.').waitFor({ timeout: 120_000 });

  await go('/orders');
  await page.getByRole('grid', { name: 'Orders' }).getByText('Delivered').first().waitFor();
  const orders = await firm.get('/v1/orders?tag=sample&limit=1');
  expect(orders.data).toHaveLength(1);

  await go('/welcome');
  await page.getByRole('button', { name: 'Take out the sample data' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take out the sample data' }).click();
  await page.getByText('The sample is gone.').waitFor({ timeout: 120_000 });
  for (const noun of ['products', 'companies', 'contacts', 'orders', 'leads', 'tickets']) {
    expect((await firm.get(`/v1/${noun}?tag=sample&limit=1`)).data, noun).toEqual([]);
  }
  expect((await firm.get('/v1/contacts')).data.map((contact: { name: string }) => contact.name)).toEqual(['Nobody’s sample']);
});
