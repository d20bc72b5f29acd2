import { expect, test } from 'vitest';
import type { Part, ReportNumber } from './api';
import { addressOf, find, measuresOf } from './number';

const number = (value: string, of?: Record<string, ReportNumber>): ReportNumber =>
  ({ value, unit: 'money', ...(of && { of }), explain: { formula: '', filter: '', rows: 0, as_of: '' } }) as ReportNumber;
const parts: Part[] = [
  {
    currency: 'GBP',
    totals: { margin: number('5', { costed: number('9'), cost: number('4') }) },
    groups: [{ key: '2026-11', title: '2026-11', numbers: { sales: number('7'), cost: number('2') } }],
    groups_left_out: 0,
  } as Part,
];

test.each([
  [addressOf(0, undefined, ['margin']), '5'],
  [addressOf(0, undefined, ['margin', 'cost']), '4'],
  [addressOf(0, '2026-11', ['sales']), '7'],
  ['0~2026-10~sales', undefined],
  ['1~~margin', undefined],
  ['0~~constructor', undefined],
  ['nonsense', undefined],
  [undefined, undefined],
])('%s leads to %s', (address, value) => expect(find(parts, address)?.number.value).toBe(value));

test('measures come in the order of the service', () => expect(measuresOf(parts[0]!)).toEqual(['sales', 'cost']));
