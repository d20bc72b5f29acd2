/** Another firm's record is not there. */
import { inject } from 'vitest';
import { signUp } from './firm';
import { openRecords } from './records';
import { expect, test } from './test';

test('the address of another firm’s record says that there is nothing', async ({ firm, open }) => {
  const other = await signUp(inject('host').url, { company: 'Others' });
  const window = await open({ firm });
  window.expect(/status of 404/);
  for (const { path, title } of await openRecords(other)) {
    await window.page.goto(path);
    await window.page.getByRole('heading', { name: 'Not found' }).waitFor();
    expect(await window.page.getByText(title).count(), path).toBe(0);
  }
});

test('what one firm has read is gone when another signs in', async ({ firm, open }) => {
  const other = await signUp(inject('host').url, { company: 'Others' });
  await firm.make('products', [{ name: 'Assam of the first firm', sku: 'A-1' }]);
  const window = await open({ firm });
  await window.go('/products');
  await window.page.getByText('Assam of the first firm').waitFor();
  // As another window of this browser does.
  const session = JSON.stringify(other.session);
  await window.page.evaluate((text) => {
    localStorage.setItem('rapport.session', text);
    dispatchEvent(new StorageEvent('storage', { key: 'rapport.session' }));
  }, session);
  await window.page.getByRole('button', { name: 'Owner, Others' }).waitFor();
  expect(await window.page.getByText('Assam of the first firm').count()).toBe(0);
  await window.go('/products');
  await window.page.getByRole('heading', { name: 'No products yet' }).waitFor();
});
