import { expect, test } from 'vitest';
import { marginOf } from './margin';

const of = (amount: string, currency = 'GBP') => ({ amount, currency });
test.each([
  [of('10'), of('4'), 0.6],
  [of('10'), of('12'), -0.2],
  [of('10'), of('0'), 1],
  [of('0'), of('4'), null],
  [of('10'), of('4', 'EUR'), null],
  [of('10'), null, null],
  [null, of('4'), null],
])('%o at a cost of %o: %s', (price, cost, margin) => {
  const found = marginOf({ price, cost });
  if (margin === null) expect(found).toBeNull();
  else expect(found).toBeCloseTo(margin, 12);
});
