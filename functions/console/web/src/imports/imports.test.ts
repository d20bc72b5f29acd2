import { expect, test } from 'vitest';
import { KINDS, MOST_BYTES, refusal } from './api';
import { valueOf } from './preview';
import { templateOf } from './template';

test.each([
  ['a.csv', 10, 'contacts', null],
  ['A.XLSX', 10, 'orders', null],
  ['a.vcf', 10, 'contacts', null],
  ['a.vcf', 10, 'leads', 'vcard'],
  ['a.xls', 10, 'contacts', 'format'],
  ['numbers', 10, 'contacts', 'format'],
  ['a.csv', 0, 'contacts', 'empty'],
  ['a.csv', MOST_BYTES, 'contacts', null],
  ['a.csv', MOST_BYTES + 1, 'contacts', 'large'],
] as const)('%s of %i bytes for %s: %s', (name, size, kind, expected) => expect(refusal({ name, size }, kind)).toBe(expected));

test.each([
  [{ name: 'Ann' }, 'name', 'Ann'],
  [{ emails: [{ address: 'a@b.example' }] }, 'email', 'a@b.example'],
  [{ email: 'a@b.example' }, 'email', 'a@b.example'],
  [{ phones: [{ number: '+4420' }] }, 'phone', '+4420'],
  [{ addresses: [{ city: 'Bath' }] }, 'address.city', 'Bath'],
  [{ consent: { email: { status: 'granted' } } }, 'consent.email', 'granted'],
  [{ custom: { size: '42.5' } }, 'custom.size', '42.5'],
  [{ external_ids: { erp: 'x' } }, 'external_id', 'x'],
  [{ tags: ['a', 'b'] }, 'tags', 'a, b'],
  [{ price: { amount: '5', currency: 'GBP' } }, 'price', '5 GBP'],
  [{ price: { amount: '5', currency: 'GBP' } }, 'currency', 'GBP'],
  [{ active: false }, 'active', 'false'],
  [{ lines: [{ sku: 'TEA', quantity: '2' }] }, 'quantity', '2'],
  [{ contact_ref: { key: 'email', value: 'a@b.example' } }, 'customer_email', 'a@b.example'],
  [{}, 'custom.size', ''],
  [null, 'name', ''],
  [{}, 'address.city', ''],
])('%o holds in %s: %s', (record, field, expected) => expect(valueOf(record, field)).toBe(expected));

test.each(KINDS)('the example of %s has as many cells in each row', (kind) => {
  const rows = templateOf(kind).trim().split('\r\n');
  const cells = rows.map((row) => row.replace(/"[^"]*"/g, 'x').split(',').length);
  expect(rows.length).toBeGreaterThan(1);
  expect(new Set(cells).size).toBe(1);
});
