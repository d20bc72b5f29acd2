/** Getting in, and what a firm sets up for itself. */
import { describe } from 'vitest';
import { PASSWORD, unique } from './firm';
import { expect, test } from './test';

describe('signing up and in', () => {
  test('a weak password is refused before it is sent; a good one opens the first steps', async ({ open }) => {
    const { page, go } = await open();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const email = `${unique('new')}@firm.example`;
    await go('/sign-up');
    await page.getByLabel('Company').fill('Harbour Lamps');
    await page.getByLabel('Your name').fill('Ida Holm');
    await page.getByLabel('E-mail').fill(email);
    await page.getByRole('textbox', { name: 'Password' }).fill('harbour lamps 1');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByText('This password is too easy to guess').waitFor();
    expect(asked).not.toContain('/v1/signup');
    await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('heading', { name: 'Getting started' }).waitFor();
    await page.getByText('1 of 5 done').waitFor();
  });

  test('a wrong password says no more than that; then one is back where one was', async ({ firm, open }) => {
    const window = await open();
    window.expect(/401/);
    const { page } = window;
    await page.goto('/settings/people');
    await page.getByLabel('E-mail').fill(firm.email);
    await page.getByRole('textbox', { name: 'Password' }).fill('not my password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The e-mail or the password is wrong.').waitFor();
    await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'People' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/settings/people');
  });
});

describe('settings', () => {
  test("another's change of the same part is told before it is replaced, of another part it is kept", async ({ firm, open }) => {
    const window = await open({ firm });
    window.expect(/412/);
    const { page, go } = window;
    await go('/settings');
    const save = page.locator('form', { has: page.getByLabel('Company') }).getByRole('button', { name: 'Save' });
    await firm.patch('/v1/settings', { holidays: ['2027-05-01'] });
    await page.getByLabel('Company').fill('Mine');
    await save.click();
    await expect.poll(async () => (await firm.get('/v1/settings')).company).toBe('Mine');
    expect((await firm.get('/v1/settings')).holidays).toEqual(['2027-05-01']);
    await firm.patch('/v1/settings', { company: 'Theirs' });
    await page.getByLabel('Company').fill('Mine again');
    await save.click();
    await page.getByText('Somebody else has just changed these settings').waitFor();
    expect((await firm.get('/v1/settings')).company).toBe('Theirs');
    await save.click();
    await expect.poll(async () => (await firm.get('/v1/settings')).company).toBe('Mine again');
  });

  test('an API key is shown once, works, and is revoked', async ({ firm, open }) => {
    const { page, go } = await open({ firm });
    await go('/settings/api-keys');
    await page.getByRole('button', { name: 'New API key' }).click();
    await page.getByLabel('Name').fill('ERP');
    await page.getByRole('button', { name: 'Read everything' }).click();
    await page.getByRole('button', { name: 'Create key' }).click();
    const key = (await page.locator('code', { hasText: /^rk_/ }).textContent()) ?? '';
    const read = async () => (await fetch(`${firm.url}/v1/contacts`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect(await read()).toBe(200);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await expect.poll(() => page.getByText(key).count()).toBe(0);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Revoked', { exact: true }).waitFor();
    expect(await read()).toBe(401);
  });

  test("a source's address takes messages; one that cannot be read is shown as it came and applied again", async ({ firm, open }) => {
    const { page, go, settled } = await open({ firm });
    await go('/settings/sources');
    await page.getByRole('button', { name: 'New source' }).click();
    await page.getByLabel('Name').fill('Contact form');
    await page.getByRole('button', { name: 'Create source' }).click();
    const url = (await page.locator('code', { hasText: '/hooks/' }).textContent()) ?? '';
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByRole('heading', { name: 'Contact form' }).waitFor();
    const post = async (body: string) => (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status;
    expect(await post('{"name":"Ann","email":"ann@example.com"}')).toBe(202);
    expect(await post('["<img src=x onerror=alert(1)>"]')).toBe(202);
    const id = new URL(page.url()).pathname.split('/').at(-1);
    await expect.poll(async () => (await firm.get(`/v1/webhook-sources/${id}/failures`)).data.length, { timeout: 15_000 }).toBe(1);
    await expect.poll(async () => (await firm.get('/v1/leads')).data.length, { timeout: 15_000 }).toBe(1);
    await page.reload();
    await settled();
    await page.getByRole('button', { name: /the body must be a JSON object/ }).click();
    await page.getByText('["<img src=x onerror=alert(1)>"]').waitFor();
    await page.getByRole('button', { name: 'Apply again' }).click();
    await page.getByText('One message is applied again').waitFor();
  });
});
