/** A day at a firm: it signs up, sells, is paid, solves a matter, asks how it went, and sees what the customer is worth. */
import { inject } from 'vitest';
import { firmOf, type Json, PASSWORD, unique } from './firm';
import { surveyLink } from './outbox';
import { expect, test } from './test';

test('from signing up to a customer’s score', { timeout: 180_000 }, async ({ open }) => {
  const { url, outbox } = inject('host');
  const window = await open();
  const { page } = window;
  const email = `${unique('ada')}@kettle.example`;
  const customer = { name: 'Ann Quillfeather', address: `${unique('ann')}@quillfeather.example` };

  // Signing up leads into the firm.
  await window.go('/sign-up');
  await page.getByLabel('Company').fill('Kettle & Daughters');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.waitForURL('**/welcome');
  const session = await page.evaluate(() => JSON.parse(localStorage.getItem('rapport.session') ?? 'null'));
  const firm = firmOf(url, email, PASSWORD, session);
  await firm.patch('/v1/settings', { survey: { delay_minutes: 0, quiet_hours: null } });

  const [contact] = await firm.make('contacts', [{ name: customer.name, emails: [{ address: customer.address }] }]);
  // Those who bought before, so that there is somebody to be ranked among.
  const earlier = await firm.make('contacts', Array.from({ length: 12 }, (_, number) => ({ name: `Earlier ${number}` })));
  const day = (back: number) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
  await firm.make('orders', earlier.flatMap(({ id }, number) =>
    Array.from({ length: 1 + (number % 4) }, (_, nth) => ({
      contact_id: id, currency: 'GBP', status: 'fulfilled', historic: true, placed_on: day(20 + 31 * nth + 5 * number),
      lines: [{ sku: 'old', name: 'Old', quantity: '1', unit_price: String(20 + number) }],
    })),
  ));
  await firm.make('products', [
    { name: 'Assam second flush', sku: 'AS-2', price: { amount: '12.50', currency: 'GBP' } },
    { name: 'Darjeeling', sku: 'DA-1', price: { amount: '19.00', currency: 'GBP' } },
  ]);
  for (const [words, kind] of [['Quillfeather', 'contact'], ['Assam', 'product']] as const) {
    await expect.poll(async () => (await firm.get(`/v1/search?q=${words}&kinds=${kind}`)).data.length).toBe(1);
  }
  await window.go(`/customers/${contact!.id}?tab=scores`);
  await page.getByText('No scores yet').waitFor();

  // An order, typed without a mouse.
  await window.go('/orders/new');
  const keys = page.keyboard;
  const focused = (name: string) => expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(name);
  await page.getByLabel('Customer', { exact: true }).first().focus();
  await keys.type('Quillfeather');
  // Faster than the search, which must not choose whoever was offered before.
  await keys.press('Enter');
  await expect.poll(() => page.getByLabel('Customer', { exact: true }).first().inputValue()).toBe(customer.name);
  await page.getByLabel('Product, line 1').focus();
  await keys.type('Assam');
  await page.getByRole('option', { name: 'Darjeeling' }).waitFor({ state: 'detached' });
  await page.getByRole('option', { name: 'Assam second flush' }).waitFor();
  await keys.press('Enter');
  await expect.poll(() => page.getByLabel('Price, line 1').inputValue()).toBe('12.50');
  await focused('Quantity, line 1');
  await keys.type('3');
  await keys.press('Enter');
  await keys.press('Enter');
  await focused('Discount, line 1');
  await keys.type('10%');
  await keys.press('Enter');
  await keys.type('20');
  await keys.press('Enter');
  // Enter in the last cell has begun another line.
  await focused('Product, line 2');
  await keys.type('WRAP');
  await keys.press('Enter');
  await keys.type('Gift wrapping');
  await keys.press('Enter');
  await keys.type('1');
  await keys.press('Enter');
  await keys.type('4.50');
  // 3 × 12.50 less a tenth, and 4.50, with a fifth of tax.
  await page.getByText('£45.90').first().waitFor();
  await page.getByRole('button', { name: 'Place order' }).focus();
  await keys.press('Enter');
  await page.waitForURL('**/orders/ord_*');
  const order = await firm.get(`/v1/orders/${page.url().split('/').at(-1)}`);
  expect(order).toMatchObject({ status: 'placed', total: '45.90', balance: '45.90' });
  expect(order.lines.map((line: Json) => [line.sku, line.name, Number(line.quantity)])).toEqual([['AS-2', 'Assam second flush', 3], ['WRAP', 'Gift wrapping', 1]]);

  // It is paid.
  await page.getByRole('button', { name: 'Receive payment' }).click();
  const payment = page.getByRole('dialog', { name: /^Payment for order/ });
  expect(await payment.getByLabel('Amount').inputValue()).toBe('45.90');
  await payment.getByRole('button', { name: 'Receive payment' }).click();
  await page.getByText('Paid. Next: deliver it.').waitFor();
  expect(await firm.get(`/v1/orders/${order.id}`)).toMatchObject({ payment_status: 'paid', paid: '45.90' });

  // Something is wrong with it, and is put right.
  await window.go(`/customers/${contact!.id}`);
  await page.getByRole('link', { name: 'New ticket' }).click();
  const asked = page.getByRole('dialog', { name: 'New ticket' });
  await asked.getByLabel('Subject').fill('A tin was dented');
  await asked.getByRole('button', { name: 'Create ticket' }).click();
  await expect.poll(async () => (await firm.get(`/v1/tickets?contact_id=${contact!.id}`)).data.length).toBe(1);
  const { data: [ticket] } = await firm.get(`/v1/tickets?contact_id=${contact!.id}`);
  await window.go(`/tickets/${ticket.id}`);
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  const solved = page.getByRole('dialog', { name: `Resolve ticket ${ticket.number}` });
  await solved.getByLabel('Solution').fill('A new tin was sent.');
  await solved.getByRole('button', { name: 'Resolve' }).click();
  await solved.waitFor({ state: 'hidden' });
  expect(await firm.get(`/v1/tickets/${ticket.id}`)).toMatchObject({ status: 'resolved', resolution_note: 'A new tin was sent.' });

  // The customer is asked by mail and answers on a telephone.
  await expect.poll(() => surveyLink(outbox, customer.address), { timeout: 20_000 }).toBeTruthy();
  const phone = await open({ width: 'phone' });
  await phone.page.goto((await surveyLink(outbox, customer.address))!);
  await phone.page.getByRole('radio', { name: /^5/ }).check();
  await phone.page.getByRole('textbox').fill('Quick and kind.');
  await phone.page.getByRole('button', { name: 'Send' }).click();
  await phone.page.getByText(/thank/i).first().waitFor();
  await window.go(`/customers/${contact!.id}?tab=surveys`);
  await page.getByRole('main').getByText('Answered').first().waitFor();

  // What the customer is worth is computed, and seen.
  await window.go('/segments');
  await page.getByRole('button', { name: 'Recompute' }).click();
  await page.getByText(/customers scored/).waitFor({ timeout: 60_000 });
  await window.go(`/customers/${contact!.id}?tab=scores`);
  await page.getByText('Recency, frequency, money').waitFor();
  await page.getByText('Still a customer').first().waitFor();
  const score = await firm.get(`/v1/contacts/${contact!.id}/score`);
  expect(score.rfm.cell).toMatch(/^[1-5]{3}$/);
  await page.getByText(score.rfm.cell, { exact: true }).waitFor();
});
