/** Tickets are moved between columns by mouse and by keyboard, and taken back when the service refuses. */
import type { Page } from 'playwright-core';
import type { Firm, Json } from './firm';
import { expect, test } from './test';

async function tickets(firm: Firm): Promise<Json[]> {
  const [contact] = await firm.make('contacts', [{ name: 'Ann' }]);
  return firm.make('tickets', ['Dented tin', 'Late parcel'].map((subject) => ({ subject, contact_id: contact!.id })));
}

const column = (page: Page, status: string) => page.getByRole('region', { name: new RegExp(`^${status}, `) });
const card = (page: Page, subject: string) => page.getByRole('article').filter({ hasText: subject });

test('by mouse', async ({ firm, open }) => {
  const [ticket] = await tickets(firm);
  const window = await open({ firm });
  const { page } = window;
  await window.go('/tickets/board');
  await column(page, 'New').getByText('Dented tin').waitFor();
  await card(page, 'Dented tin').dragTo(column(page, 'Waiting'));
  await column(page, 'Waiting').getByText('Dented tin').waitFor();
  await expect.poll(async () => (await firm.get(`/v1/tickets/${ticket!.id}`)).status).toBe('waiting');
  await page.reload();
  await column(page, 'Waiting').getByText('Dented tin').waitFor();
  await column(page, 'New').getByText('Late parcel').waitFor();
});

test('by keyboard, and it is said', async ({ firm, open }) => {
  const [ticket] = await tickets(firm);
  const window = await open({ firm });
  const { page } = window;
  await window.go('/tickets/board');
  await card(page, 'Dented tin').getByRole('button', { name: `Steps of ticket ${ticket!.number}` }).focus();
  await page.keyboard.press('Enter');
  const step = page.getByRole('menuitem', { name: 'Move to Waiting' });
  await step.waitFor();
  for (let presses = 0; presses < 6 && !(await step.evaluate((item) => item === document.activeElement)); presses += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: `Ticket ${ticket!.number} moved to Waiting` }).waitFor();
  await column(page, 'Waiting').getByText('Dented tin').waitFor();
  await expect.poll(async () => (await firm.get(`/v1/tickets/${ticket!.id}`)).status).toBe('waiting');
});

test('a move that came too late is taken back with a word', async ({ firm, open }) => {
  const [ticket] = await tickets(firm);
  const window = await open({ firm });
  window.expect(/status of 4(09|12)/);
  const { page } = window;
  await window.go('/tickets/board');
  await column(page, 'New').getByText('Dented tin').waitFor();
  await firm.post(`/v1/tickets/${ticket!.id}/resolve`, {});
  await firm.patch(`/v1/tickets/${ticket!.id}`, { status: 'closed' }).catch(() => firm.post(`/v1/tickets/${ticket!.id}/close`));
  await card(page, 'Dented tin').dragTo(column(page, 'Open'));
  await page.getByRole('alert').first().waitFor();
  await column(page, 'Closed').getByText('Dented tin').waitFor();
  expect((await firm.get(`/v1/tickets/${ticket!.id}`)).status).toBe('closed');
});
