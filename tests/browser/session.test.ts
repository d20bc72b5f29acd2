/** Who is signed in: across reloads, windows, and the end of a token. */
import { describe } from 'vitest';
import { openPage, type Window } from './window';
import { expect, test } from './test';

const account = (window: Window) => window.page.getByRole('button', { name: /^Owner, Firm/ });

describe('a session', () => {
  test('outlives a reload', async ({ firm, open }) => {
    const window = await open({ firm });
    await window.go('/products');
    await window.page.reload();
    await window.settled();
    expect(new URL(window.page.url()).pathname).toBe('/products');
    await window.page.getByRole('heading', { name: 'Products' }).waitFor();
  });
});

void account;
void openPage;
