/** What a firm has recorded is its own: taken along as a file, moved in elsewhere, ended; and a person is forgotten. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { inject } from 'vitest';
import { PASSWORD, signIn, signUp, unique } from './firm';
import { mailsTo } from './outbox';
import { openRecords } from './records';
import { expect, test } from './test';
import { barriers, type Window } from './window';

/** Has an archive made on the page of the firm's data, and fetches it. */
async function archived({ page, go }: Window): Promise<Buffer> {
  await go('/settings/data');
  await page.getByRole('button', { name: 'Make an archive' }).click();
  await page.getByText('Ready', { exact: true }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download the archive' }).click()]);
  expect(download.suggestedFilename()).toMatch(/^rapport-\d{4}-\d\d-\d\d\.zip$/);
  return readFile(await download.path());
}

const file = (buffer: Buffer, name = 'firm.zip') => ({ name, mimeType: 'application/zip', buffer });

test('an archive is made, fetched, and moved into an account without records', async ({ firm, open }) => {
  const company = (await openRecords(firm, 'Larkspur')).find(({ noun }) => noun === 'companies')!;
  const bytes = await archived(await open({ firm }));
  const [known] = (await firm.get('/v1/archives')).data;
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(known.sha256);

  const other = await signUp(firm.url, { company: 'Empty' });
  const window = await open({ firm: other });
  window.expect(/ERR_FAILED/);
  const { page, go, settled } = window;
  await go('/settings/data');
  // The connection is lost once: what was begun goes on.
  await page.route('**/parts/1', (route) => route.abort(), { times: 1 });
  await page.getByLabel("The archive's file").setInputFiles(file(bytes));
  await page.getByText('Not complete', { exact: true }).waitFor();
  await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Moved in', { exact: true }).waitFor();
  expect((await other.get('/v1/archives')).data).toHaveLength(1);
  await page.getByText('signed by this service').waitFor();
  expect((await other.get(`/v1/companies/${company.id}`)).name).toBe(company.title);
  // What was read before is read anew: the firm is called as it was, and has records.
  await page.getByRole('button', { name: 'Owner, Firm' }).waitFor();
  await page.goto(company.path);
  await settled();
  await page.getByRole('heading', { name: company.title }).waitFor();
});

test('a file that is no archive is refused in words, and the account stays open', async ({ firm, open }) => {
  const { page, go } = await open({ firm });
  await go('/settings/data');
  const input = page.getByLabel("The archive's file");
  await input.setInputFiles(file(Buffer.from('a,b\n'), 'firm.csv'));
  await page.getByText('firm.csv is no archive').waitFor();
  await input.setInputFiles(file(Buffer.from('this is no zip')));
  await page.getByText('Not moved in').waitFor();
  await page.getByText(/no ZIP/).waitFor();
  expect((await firm.get('/v1/account')).status).toBe('open');
  // Another can be tried at once.
  await page.getByRole('button', { name: 'Choose an archive' }).waitFor();
});

test('a firm with records is told so; one that the service finds to have some, too', async ({ firm, open }) => {
  const window = await open({ firm });
  window.expect(/409/);
  const { page, go } = window;
  await go('/settings/data');
  const input = page.getByLabel("The archive's file");
  await input.waitFor({ state: 'attached' });
  await firm.make('contacts', [{ name: 'Ann Lee' }]);
  await input.setInputFiles(file(Buffer.from('whatever')));
  await page.getByRole('alert').getByText('nothing was moved in').waitFor();
  await expect.poll(async () => (await firm.get('/v1/usage')).limits.find(({ name }: { name: string }) => name === 'contacts').used, { timeout: 30_000 }).toBe(1);
  await page.reload();
  await page.getByText('so no archive can be moved in').waitFor();
  expect(await input.count()).toBe(0);
});

test('an owner closes the account with the password, everybody can only read, and it is opened again', async ({ firm, open }) => {
  const [customer] = await firm.make('contacts', [{ name: 'Ann Lee' }]);
  const window = await open({ firm, scheme: 'dark' });
  window.expect(/422/);
  const { page, go } = window;
  await go('/settings/data');
  await page.getByRole('button', { name: 'Close the account…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Your password' }).fill('not my password');
  expect(await barriers(page), 'accessibility').toEqual([]);
  await dialog.getByRole('button', { name: 'Close the account' }).click();
  await dialog.getByText('This is not your password.').waitFor();
  expect((await firm.get('/v1/account')).status).toBe('open');
  await dialog.getByRole('textbox', { name: 'Your password' }).fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Close the account' }).click();
  const standing = page.getByRole('complementary', { name: 'The account' });
  await standing.getByText('The account is closed').waitFor();
  await dialog.waitFor({ state: 'detached' });
  const account = await firm.get('/v1/account');
  expect(account.status).toBe('closed');
  expect(Date.parse(account.erased_at) - Date.parse(account.status_since)).toBe(30 * 86_400_000);

  // Everything is read, and an archive made of it; no change is offered.
  expect((await archived(window)).byteLength).toBeGreaterThan(0);
  await go(`/customers/${customer!.id}`);
  await standing.waitFor();
  await page.getByRole('heading', { name: 'Ann Lee' }).waitFor();
  expect(await barriers(page), 'accessibility').toEqual([]);
  expect(await page.getByRole('link', { name: 'New order' }).count()).toBe(0);
  await go('/customers');
  expect(await page.getByRole('button', { name: 'New customer' }).count()).toBe(0);

  await standing.getByRole('button', { name: 'Open it again' }).click();
  await page.getByRole('button', { name: 'New customer' }).waitFor();
  await standing.waitFor({ state: 'detached' });
  expect((await firm.get('/v1/account')).status).toBe('open');
});

test('whoever is no owner neither closes nor opens the account, and is told why nothing can be changed', async ({ firm, open }) => {
  const [customer] = await firm.make('contacts', [{ name: 'Ann Lee' }]);
  const join = async (role: string) => {
    const address = `${unique(role)}@firm.example`;
    await firm.post('/v1/invitations', { email: address, role, name: 'Colleague' });
    const token = async () => /token=([\w.~-]+)/.exec((await mailsTo(inject('host').outbox, address)).at(-1)?.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '=') ?? '')?.[1];
    await expect.poll(token).toBeTruthy();
    await firm.post('/v1/invitations/accept', { token: await token(), password: PASSWORD, name: 'Colleague' });
    return signIn(firm.url, address, PASSWORD);
  };
  const [admin, agent] = [await join('admin'), await join('agent')];
  const { page, go } = await open({ firm: admin });
  await go('/settings/data');
  await page.getByText('Only an owner can close the account.').waitFor();
  expect(await page.getByRole('button', { name: 'Close the account…' }).count()).toBe(0);

  const theirs = await open({ firm: agent });
  theirs.expect(/403/);
  await theirs.go(`/customers/${customer!.id}`);
  await firm.post('/v1/account/close', { password: PASSWORD });
  await page.reload();
  await page.getByText('Only an owner can open it again.').waitFor();
  expect(await page.getByRole('button', { name: 'Open it again' }).count()).toBe(0);
  await theirs.page.getByRole('button', { name: 'More actions' }).click();
  expect(await theirs.page.getByRole('menuitem', { name: 'Erase this person…' }).count()).toBe(0);
  await theirs.page.getByRole('menuitem', { name: 'Delete' }).click();
  await theirs.page.getByText("The firm's account is closed").waitFor();
});

test('a person is erased: the page says so, then and later, and the order stays without a customer', async ({ firm, open }) => {
  const records = await openRecords(firm, 'Quarrier');
  const [contact, order] = ['contacts', 'orders'].map((noun) => records.find((record) => record.noun === noun)!);
  const window = await open({ firm });
  // The record is gone by then.
  window.expect(/404/);
  const { page, go } = window;
  await go(contact!.path);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Erase this person…' }).click();
  await page.getByRole('dialog').getByText('Orders and payments, for the books').waitFor();
  expect(await barriers(page), 'accessibility').toEqual([]);
  await page.getByRole('dialog').getByRole('button', { name: 'Erase for good' }).click();
  await page.getByRole('heading', { name: 'Erased person' }).waitFor();
  await page.getByText('Being erased', { exact: true }).waitFor();
  expect(await barriers(page), 'accessibility').toEqual([]);

  const status = async (path: string) => (await fetch(`${firm.url}/v1/${path}`, { headers: { authorization: `Bearer ${firm.session.access}` } })).status;
  await expect.poll(() => status(`contacts/${contact!.id}`), { timeout: 30_000 }).toBe(404);
  await expect.poll(async () => (await firm.get(`/v1/orders/${order!.id}`)).contact_id ?? null, { timeout: 30_000 }).toBeNull();
  await page.reload();
  await page.getByRole('heading', { name: 'Erased person' }).waitFor();
  await page.getByText('by Owner').waitFor();
  // The answer as it is once everything has been looked through again.
  await page.route('**/erasure', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), done_at: '2026-11-28T10:00:00Z' } });
  });
  await page.reload();
  await page.getByText('nothing here leads to the person any more').waitFor();
});
