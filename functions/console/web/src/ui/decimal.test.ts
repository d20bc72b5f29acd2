import { expect, test } from 'vitest';
import { sum } from './decimal';

test.each([
  [[], '0'],
  [['0.1', '0.2'], '0.3'],
  [['301.1', '225.6', '-26.7'], '500'],
  [['99999999999999999.99', '0.01'], '100000000000000000'],
  [['-0.05'], '-0.05'],
  [['1', null, undefined, 'none'], '1'],
])('the sum of %j is %s', (values, total) => expect(sum(values)).toBe(total));
