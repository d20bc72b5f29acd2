/** Who is signed in: across reloads, windows, and the end of a token. */
import type { BrowserContext } from 'playwright-core';
import { describe } from 'vitest';
import { type Firm, signIn } from './firm';
import { expect, test } from './test';
import { openPage } from './window';

/** The same firm with an access token that has run out. */
const stale = (firm: Firm): Firm => ({ ...firm, session: { ...firm.session, expires: Date.now() - 1000 } });

/** How often the windows of a context have asked for tokens. */
function refreshes(context: BrowserContext): () => number {
  let asked = 0;
  context.on('request', (request) => {
    if (new URL(request.url()).pathname === '/v1/auth/token') asked += 1;
  });
  return () => asked;
}

describe('a session', () => {
  test('outlives a reload, with the page one was on', async ({ firm, open }) => {
    const window = await open({ firm });
    await window.go('/products?category=Tea');
    await window.page.reload();
    await window.settled();
    expect(window.page.url()).toBe(`${firm.url}/products?category=Tea`);
    await window.page.getByRole('heading', { name: 'Products', exact: true }).waitFor();
    await window.page.getByRole('button', { name: 'Owner, Firm' }).waitFor();
  });

  test('is asked for where there is none, and leads back to the page', async ({ open }) => {
    const window = await open();
    await window.page.goto('/products?category=Tea');
    await expect.poll(() => new URL(window.page.url()).pathname).toBe('/sign-in');
    expect(new URL(window.page.url()).searchParams.get('to')).toBe('/products?category=Tea');
  });

  test('whose access token has run out is renewed unnoticed', async ({ firm, open }) => {
    const window = await open({ firm: stale(firm) });
    const asked = refreshes(window.context);
    await window.go('/products');
    await window.page.getByRole('heading', { name: 'No products yet' }).waitFor();
    expect(asked()).toBe(1);
    const kept = await window.page.evaluate(() => JSON.parse(localStorage.getItem('rapport.session') ?? '{}'));
    expect(kept.access).not.toBe(firm.session.access);
    expect(kept.refresh).not.toBe(firm.session.refresh);
    expect(kept.expires).toBeGreaterThan(Date.now());
  });

  test('is renewed once by two windows that need it at the same time', async ({ firm, open }) => {
    const one = await open({ firm: stale(firm) });
    const asked = refreshes(one.context);
    const two = await openPage(one.context);
    await Promise.all([one.go('/products'), two.go('/products')]);
    for (const { page } of [one, two]) await page.getByRole('heading', { name: 'No products yet' }).waitFor();
    expect(asked()).toBe(1);
    expect(two.faults).toEqual([]);
  });

  test('that is ended in one window is ended in the others', async ({ firm, open }) => {
    const one = await open({ firm });
    const two = await openPage(one.context);
    await one.go('/products');
    await two.go('/products');
    await one.page.getByRole('button', { name: 'Owner, Firm' }).click();
    await one.page.getByRole('menuitem', { name: 'Sign out' }).click();
    for (const { page } of [one, two]) await expect.poll(() => new URL(page.url()).pathname).toBe('/sign-in');
    expect(await two.page.evaluate(() => localStorage.getItem('rapport.session'))).toBeNull();
    expect(two.faults).toEqual([]);
    // Neither does the service know it any longer.
    const again = await fetch(`${firm.url}/v1/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: firm.session.refresh }),
    });
    expect(again.ok).toBe(false);
  });

  test('that the service has ended asks to sign in again', async ({ firm, open }) => {
    await firm.post('/v1/auth/revoke', { token: firm.session.refresh });
    const window = await open({ firm: stale(firm) });
    window.expect(/status of 40[01]/);
    await window.page.goto('/products');
    await expect.poll(() => new URL(window.page.url()).pathname).toBe('/sign-in');
  });

  test('is ended everywhere at once', async ({ firm, open }) => {
    const elsewhere = await signIn(firm.url, firm.email, firm.password);
    const here = await open({ firm });
    // The other browser is at its next refresh: an access token given out before stays good until then.
    const there = await open({ firm: stale(elsewhere) });
    there.expect(/status of 40[01]/);
    await here.go('/settings/account');
    await here.page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await here.page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
    await expect.poll(() => new URL(here.page.url()).pathname).toBe('/sign-in');
    await there.page.goto('/products');
    await expect.poll(() => new URL(there.page.url()).pathname).toBe('/sign-in');
  });

  test('begins with a password, and leads to where one wanted to go', async ({ firm, open }) => {
    const window = await open();
    window.expect(/status of 40[01]/);
    const { page } = window;
    await page.goto('/products?category=Tea');
    await page.waitForURL('**/sign-in?**');
    await page.getByLabel('E-mail').fill(firm.email);
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('The e-mail or the password is wrong.').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(firm.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.url()).toBe(`${firm.url}/products?category=Tea`);
  });
});
