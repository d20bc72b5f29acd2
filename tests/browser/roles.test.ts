/** Each role finds what it may see, and is asked for nothing that it may not: no page calls what the service refuses. */
import { inject } from 'vitest';
import { PASSWORD, signIn, unique } from './firm';
import { mailsTo } from './outbox';
import { expect, test } from './test';

for (const role of ['admin', 'manager', 'representative', 'agent', 'marketer', 'read_only']) {
  test(`${role} walks every page that is offered`, { timeout: 120_000 }, async ({ firm, open }) => {
    const [customer] = await firm.make('contacts', [{ name: 'Ada Pemberton', emails: [{ address: 'ada@customer.example' }] }]);
    const [product] = await firm.make('products', [{ name: 'Assam', sku: 'A-1', price: { amount: '8.00', currency: 'GBP' } }]);
    const [order] = await firm.make('orders', [{ contact_id: customer!.id, lines: [{ product_id: product!.id, quantity: '2' }], status: 'placed' }]);
    const [ticket] = await firm.make('tickets', [{ subject: 'Lid', contact_id: customer!.id }]);
    const [lead] = await firm.make('leads', [{ name: 'Bo Tanner', email: 'bo@lead.example' }]);
    const address = `${unique(role)}@firm.example`;
    await firm.post('/v1/invitations', { email: address, role, name: 'Colleague' });
    const token = async () => /token=([\w.~-]+)/.exec((await mailsTo(inject('host').outbox, address)).at(-1)?.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '=') ?? '')?.[1];
    await expect.poll(token).toBeTruthy();
    await firm.post('/v1/invitations/accept', { token: await token(), password: PASSWORD, name: 'Colleague' });

    const window = await open({ firm: await signIn(firm.url, address, PASSWORD) });
    await window.go('/');
    const offered = await window.page.getByRole('navigation', { name: 'Pages' }).getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href')!));
    expect(offered.length).toBeGreaterThan(3);
    const records: Record<string, string[]> = {
      '/customers': [`/customers/${customer!.id}`, `/customers/${customer!.id}?tab=scores`, `/customers/${customer!.id}?tab=timeline`],
      '/orders': [`/orders/${order!.id}`],
      '/products': [`/products/${product!.id}`],
      '/tickets': ['/tickets/board', `/tickets/${ticket!.id}`],
      '/leads': [`/leads/${lead!.id}`],
      '/reports': ['/reports/sales'],
      '/settings': ['/settings/account'],
    };
    for (const path of offered.flatMap((path) => [path, ...(records[path] ?? [])])) {
      await window.go(path);
      expect.soft(window.faults.splice(0), path).toEqual([]);
      expect.soft(await window.page.getByText('That did not work').count(), path).toBe(0);
    }
  });
}
