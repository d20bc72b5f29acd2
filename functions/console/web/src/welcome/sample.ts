/**
 * The sample firm: what `cargo up --demo` fills a firm of its own with, put into this firm, so that every page can be tried
 * with something on it. Every record has the tag `sample` and an external id of the source `sample`: what was cut short is
 * completed by the next try, and all of it can be taken out again.
 */
import baskets from '../../../../../infra/host/src/demo/baskets.json';
import customers from '../../../../../infra/host/src/demo/customers.json';
import leads from '../../../../../infra/host/src/demo/leads.json';
import products from '../../../../../infra/host/src/demo/products.json';
import tickets from '../../../../../infra/host/src/demo/tickets.json';
import { call, type Noun, type Page, withQuery } from '../api/records';

export const TAG = 'sample';
const BATCH = 100;
/** In the order in which they name each other. */
const NOUNS = ['products', 'companies', 'contacts', 'orders', 'leads', 'tickets'] as const satisfies Noun[];

interface Customer {
  key: string; company?: string; industry?: string; site?: string; given: string; family: string; mail?: string; title?: string;
  phone?: string; street?: string; postal_code?: string; city?: string; country: string; note?: string; basket: string;
  every: number; since: number; until: number; size?: number;
}
type Basket = { lines: number[]; items: Array<[string, number, number]> };

/** A generator that gives the same numbers each time (Mulberry32): the sample is the same for everybody on the same day. */
function chance(seed: number): (from: number, to: number) => number {
  let state = seed >>> 0;
  return (from, to) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return from + Math.floor((((z ^ (z >>> 14)) >>> 0) / 2 ** 32) * (to - from + 1));
  };
}

export interface Sample {
  products: object[];
  /** By customer; null for one who buys for himself. */
  companies: Array<object | null>;
  contacts: object[];
  orders: Array<{ customer: number; placed_on: string; input: { total: string; payments: Array<{ amount: string; method: string; received_on: string }> } & Record<string, unknown> }>;
  leads: object[];
  tickets: Array<{ customer: number; input: object }>;
}

/** The inputs of the interface. `today` is the firm's day; amounts are in its currency. */
export function sample(today: string, currency: string): Sample {
  const digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  // A hundredth is the smallest step of the sample's prices; where the currency has none, the same figures without the point.
  const amount = (hundredths: number) =>
    digits === 0 ? String(hundredths) : `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}`;
  const hundredths = (text: string) => Number(text.replace('.', ''));
  const price = new Map(products.map((product) => [product.sku, hundredths(product.price)]));
  const common = (key: string) => ({ tags: [TAG], external_ids: { [TAG]: key } });
  const before = (days: number) => new Date(Date.parse(`${today}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
  const people = customers as Customer[];

  const address = (customer: Customer) => ({
    street: customer.street, postal_code: customer.postal_code, city: customer.city, country: customer.country, primary: true,
  });
  const email = (customer: Customer) => {
    const local = customer.mail ?? `${customer.given}.${customer.family}`.normalize('NFD').toLowerCase().replace(/[^a-z0-9.-]/g, '');
    return `${local || customer.key}@${customer.site ?? 'mail.example'}`;
  };

  const orders: Sample['orders'] = [];
  for (const [n, customer] of people.entries()) {
    const basket = (baskets as unknown as Record<string, Basket>)[customer.basket];
    if (!basket) continue;
    const between = chance([...customer.key].reduce((seed, letter) => Math.imul(seed, 31) + letter.charCodeAt(0), 7));
    let ago = customer.since;
    for (let count = 1; ; count += 1) {
      const left = [...basket.items];
      const lines = Array.from({ length: Math.min(between(basket.lines[0]!, basket.lines[1]!), left.length) }, () => {
        // What stands first in a basket is bought most: the better of two draws.
        const [sku, from, to] = left.splice(Math.min(between(0, left.length - 1), between(0, left.length - 1)), 1)[0]!;
        return { sku, quantity: between(from, to) * (customer.size ?? 1) };
      });
      const total = amount(lines.reduce((sum, { sku, quantity }) => sum + price.get(sku)! * quantity, 0));
      const placed_on = before(ago);
      const done = ago > 3;
      // Who bought within the last days has yet to get it, and companies have yet to pay.
      const paid = done || !customer.company;
      orders.push({
        customer: n,
        placed_on,
        input: {
          placed_on,
          currency,
          status: done ? 'fulfilled' : 'placed',
          ...(done && { fulfilled_on: before(ago - 2), historic: true }),
          channel: customer.company ? 'portal' : 'web',
          lines: lines.map(({ sku, quantity }) => ({ sku, quantity: String(quantity), unit_price: amount(price.get(sku)!) })),
          total,
          payments: paid ? [{ amount: total, method: customer.company ? 'transfer' : 'card', received_on: placed_on }] : [],
          ...common(`${customer.key}-${count}`),
        },
      });
      if (customer.every === 0 || ago <= customer.until) break;
      const gap = Math.max(1, Math.round((customer.every * between(70, 135)) / 100));
      ago = ago - gap < customer.until + customer.every * 0.6 ? customer.until : ago - gap;
    }
  }
  orders.sort((one, other) => (one.placed_on < other.placed_on ? -1 : Number(one.placed_on > other.placed_on)));

  return {
    products: products.map(({ sku, name, category, unit, stock, price, cost }) => ({
      sku, name, category, unit, stock,
      price: { amount: amount(hundredths(price)), currency },
      cost: { amount: amount(hundredths(cost)), currency },
      ...common(sku),
    })),
    companies: people.map((customer) =>
      customer.company
        ? { name: customer.company, industry: customer.industry, website: customer.site && `https://${customer.site}`, country: customer.country, addresses: [address(customer)], ...common(customer.key) }
        : null,
    ),
    contacts: people.map((customer) => ({
      given_name: customer.given, family_name: customer.family, email: email(customer), title: customer.title, note: customer.note,
      addresses: [address(customer)],
      ...(customer.phone && { phones: [{ number: customer.phone, label: 'work' }] }),
      ...common(customer.key),
    })),
    orders,
    leads: leads.map(({ key, status, source, name, company_name, email, phone, industry, note }: Record<string, unknown>) => ({
      source, name, company_name, email, phone, industry, note,
      status: status === 'converted' ? 'qualified' : status,
      ...common(String(key)),
    })),
    tickets: tickets
      .filter((ticket) => !['resolved', 'closed'].includes(ticket.end))
      .map(({ key, customer, subject, body, channel, kind, priority }) => ({
        customer: people.findIndex((person) => person.key === customer),
        input: { subject, body, channel, kind, priority, ...common(key) },
      })),
  };
}

interface Result {
  status: number;
  record?: { id: string };
  error?: { holder?: string; detail?: string; errors?: Array<{ detail: string }>; candidates?: Array<{ id: string }> };
}

/** Creates what is not there yet; the ids of all, in the order of the inputs. */
async function create(noun: Noun, inputs: object[], step: (done: number) => void): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < inputs.length; at += BATCH) {
    const { results } = await call<{ results: Result[] }>('POST', `/v1/${noun}/batch`, {
      body: { operation: 'create', inputs: inputs.slice(at, at + BATCH) },
      allowDuplicate: true,
    });
    for (const result of results) {
      const id = result.record?.id ?? result.error?.holder;
      if (!id) throw new Error(`${noun}: ${result.error?.errors?.[0]?.detail ?? result.error?.detail ?? result.status}`);
      ids.push(id);
    }
    step(results.length);
  }
  return ids;
}

/** Puts the sample into the firm. `progress` hears the share that is done. */
export async function fill(today: string, currency: string, progress: (share: number) => void): Promise<void> {
  const made = sample(today, currency);
  const companies = made.companies.flatMap((input) => (input ? [input] : []));
  const all = made.products.length + companies.length + made.contacts.length + made.orders.length + made.leads.length + made.tickets.length;
  let done = 0;
  const step = (count: number) => progress((done += count) / all);
  await create('products', made.products, step);
  const given = (await create('companies', companies, step)).values();
  const companyOf = made.companies.map((input) => (input ? given.next().value : undefined));
  const contacts = await create('contacts', made.contacts.map((input, n) => ({ ...input, company_id: companyOf[n] })), step);
  const of = (customer: number) => ({ contact_id: contacts[customer], company_id: companyOf[customer] });
  await create('orders', made.orders.map(({ customer, input }) => ({ ...input, ...of(customer) })), step);
  await create('leads', made.leads, step);
  await create('tickets', made.tickets.map(({ customer, input }) => ({ ...input, ...of(customer) })), step);
  await call('POST', '/v1/segments/recompute', { body: {} });
}

/** Takes the sample out again. */
export async function clear(progress: (removed: number) => void): Promise<void> {
  let removed = 0;
  for (const noun of NOUNS.toReversed()) {
    for (;;) {
      const page = await call<Page<{ id: string }>>('GET', withQuery(`/v1/${noun}`, { tag: TAG, limit: BATCH, fields: 'id' }));
      if (page.data.length > 0) {
        await call('POST', `/v1/${noun}/batch`, { body: { operation: 'delete', inputs: page.data.map(({ id }) => ({ id })) } });
        progress((removed += page.data.length));
      }
      if (!page.has_more) break;
    }
  }
  await call('POST', '/v1/segments/recompute', { body: {} });
}
