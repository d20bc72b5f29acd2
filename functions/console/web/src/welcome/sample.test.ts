import { expect, test } from 'vitest';
import { sample } from './sample';

test('the sample is the same each time, lies in the past, and is paid to the cent', () => {
  const one = sample('2026-11-22', 'EUR');
  expect(sample('2026-11-22', 'EUR')).toEqual(one);
  expect(one.orders.length).toBeGreaterThan(500);
  for (const { placed_on, input } of one.orders) {
    expect(placed_on <= '2026-11-22').toBe(true);
    const lines = input.lines as Array<{ quantity: string; unit_price: string }>;
    const cents = lines.reduce((sum, line) => sum + Number(line.quantity) * Number(line.unit_price.replace('.', '')), 0);
    expect(Number(input.total.replace('.', ''))).toBe(cents);
    for (const payment of input.payments) expect(payment.amount).toBe(input.total);
  }
});

test('every record can be told from the firm\'s own, and no two share an id', () => {
  const made = sample('2026-11-22', 'CNY');
  for (const records of [made.products, made.companies.filter(Boolean), made.contacts, made.orders.map((order) => order.input), made.leads, made.tickets.map((ticket) => ticket.input)]) {
    const ids = (records as Array<{ tags: string[]; external_ids: { sample: string } }>).map((record) => {
      expect(record.tags).toEqual(['sample']);
      return record.external_ids.sample;
    });
    expect(new Set(ids).size).toBe(ids.length);
  }
  expect(made.tickets.every((ticket) => ticket.customer >= 0)).toBe(true);
});

test('a currency without decimals has amounts without a point', () => {
  expect(sample('2026-11-22', 'JPY').orders.every(({ input }) => /^\d+$/.test(input.total))).toBe(true);
});
