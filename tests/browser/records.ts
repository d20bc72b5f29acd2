/** One record of each noun that has a page, made in a firm. */
import { type Firm, unique } from './firm';

export interface Opened {
  noun: string;
  id: string;
  path: string;
  /** A text that its page shows. */
  title: string;
}

/** Makes a lead, a contact of a company, an order of theirs for a product, and a ticket about it, all of one name. */
export async function openRecords(firm: Firm, name = 'Quillfeather'): Promise<Opened[]> {
  const [lead] = await firm.make('leads', [{ name: `${name} lead`, source: 'web' }]);
  const [company] = await firm.make('companies', [{ name: `${name} company` }]);
  const [contact] = await firm.make('contacts', [{ name: `${name} contact`, company_id: company!.id }]);
  const [product] = await firm.make('products', [{ name: `${name} product`, sku: unique('Q-'), price: { amount: '12.50', currency: 'GBP' } }]);
  const order = await firm.post('/v1/orders', {
    contact_id: contact!.id,
    currency: 'GBP',
    status: 'placed',
    lines: [{ product_id: product!.id, name: `${name} product`, quantity: '2', unit_price: '12.50' }],
  });
  const ticket = await firm.post('/v1/tickets', { subject: `${name} ticket`, contact_id: contact!.id, order_id: order.id });
  return [
    { noun: 'leads', id: lead!.id, path: `/leads/${lead!.id}`, title: lead!.name },
    { noun: 'contacts', id: contact!.id, path: `/customers/${contact!.id}`, title: contact!.name },
    { noun: 'companies', id: company!.id, path: `/companies/${company!.id}`, title: company!.name },
    { noun: 'orders', id: order.id, path: `/orders/${order.id}`, title: order.number },
    { noun: 'products', id: product!.id, path: `/products/${product!.id}`, title: product!.name },
    { noun: 'tickets', id: ticket.id, path: `/tickets/${ticket.id}`, title: ticket.subject },
  ];
}
