import { expect, test } from 'vitest';
import { formats } from './format';

const en = formats('en-GB', 'Europe/London', 'GBP');
const zh = formats('zh-CN', 'Asia/Shanghai', 'CNY');
const money = (amount: string, currency: string) => ({ amount, currency }) as never;

test('amounts stay exact, however long', () => {
  expect(en.money(money('12345678901234567.89', 'GBP'))).toBe('£12,345,678,901,234,567.89');
  expect(zh.money(money('1250.00', 'CNY'))).toBe('¥1,250.00');
  expect(en.money(null)).toBe('');
});

test('a day has no time zone; a moment has the firm\'s', () => {
  expect(en.day('2026-11-22')).toBe('22 Nov 2026');
  expect(zh.day('2026-11-22')).toBe('2026年11月22日');
  expect(zh.dayOf('2026-11-22T20:00:00Z')).toBe('2026年11月23日');
  expect(en.dayOf('2026-11-22T20:00:00Z')).toBe('22 Nov 2026');
});

test.each([
  [-30, '30 sec ago'], [-90, '1 min ago'], [3_700, 'in 1 hr'], [-90_000, 'yesterday'], [-800_000, 'last wk'], [40_000_000, 'next yr'],
])('%d seconds from now is %s', (seconds, text) => {
  const now = Date.UTC(2026, 10, 22);
  expect(en.ago(new Date(now + seconds * 1000).toISOString(), now)).toBe(text);
});
