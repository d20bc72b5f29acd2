import { expect, test } from 'vitest';
import { parseAmount } from './money';

test.each([
  ['12', '12'],
  ['1,250.00', '1250.00'],
  ['1.250,00', '1250.00'],
  ['1,250', '1250'],
  ['1.250', '1.250'],
  ['12,5', '12.5'],
  ['1,234,567', '1234567'],
  ['¥ 99.90', '99.90'],
  ['-3.5', '-3.5'],
  ['.5', '0.5'],
  ["1'000.05", '1000.05'],
  ['', null],
  ['abc', null],
  ['1.2.3,4,5', null],
])('%s is %s', (text, amount) => expect(parseAmount(text)).toBe(amount));
