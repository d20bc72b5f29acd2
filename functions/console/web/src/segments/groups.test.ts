import { expect, test } from 'vitest';
import type { Score } from './api';
import { cellOf, mostly, together } from './groups';

const score = (cell: string, amount: string, clv: string, segment: string): Score =>
  ({
    contact_id: `con_${amount}`,
    rfm: { r: Number(cell[0]), f: Number(cell[1]), m: 3, segment, monetary: { amount, currency: 'GBP' } },
    value: { clv_12m: { amount: clv, currency: 'GBP' } },
  }) as Score;
const scores = [score('55', '10.10', '1.5', 'champions'), score('55', '0.20', '2', 'loyal'), score('55', '1', '0', 'loyal'), score('12', '7', '0', 'lost'), { contact_id: 'con_new' }];

test.each([
  ['55', 3, '11.3', '3.5'],
  ['12', 1, '7', '0'],
])('the cell %s', (cell, members, revenue, expected) => {
  const { scores: some, ...rest } = together(scores, cellOf).get(cell)!;
  expect(rest).toEqual({ members, revenue, expected });
  expect(some).toHaveLength(members);
});

test('who has no score stands in no cell', () => expect([...together(scores, cellOf).keys()]).toEqual(['55', '12']));
test('a cell is named after most of its members', () => expect(mostly(scores.slice(0, 3), (one) => one.rfm?.segment)).toBe('loyal'));
