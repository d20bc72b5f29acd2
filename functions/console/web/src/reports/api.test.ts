import { expect, test } from 'vitest';
import { placeOf, placeOfKey, rowsWanted } from './api';

test.each([
  ['/v1/orders/ord_1', '/orders/ord_1'],
  ['/v1/contacts/con_1', '/customers/con_1'],
  ['/v1/companies/com_1', '/companies/com_1'],
  ['/v1/secrets/key_1', undefined],
  ['https://elsewhere.example/v1/orders/ord_1', undefined],
])('%s is shown at %s', (href, place) => expect(placeOf(href)).toBe(place));

test.each([
  ['con_1', '/customers/con_1'],
  ['prd_1', '/products/prd_1'],
  ['2026-11', undefined],
  ['con', undefined],
  ['-', undefined],
])('the group %s is shown at %s', (key, place) => expect(placeOfKey(key)).toBe(place));

test('the rows behind a number are asked for by the words of their address', () =>
  expect(rowsWanted('/v1/reports/pareto/rows?measure=count&from=2026-01-01&convert=true&rank_from=1&rank_to=12')).toEqual({
    measure: 'count',
    from: '2026-01-01',
    convert: true,
    rank_from: 1,
    rank_to: 12,
    rows: true,
    format: 'csv',
  }));
