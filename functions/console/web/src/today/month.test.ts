import { expect, test } from 'vitest';
import { lastMonth, sameDays } from './month';

test.each([
  ['2026-11-23', '2026-10-01'],
  ['2026-01-31', '2025-12-01'],
  ['2026-03-01', '2026-02-01'],
])('before %s lies the month of %s', (today, first) => expect(lastMonth(today)).toBe(first));

const days = [
  ['2026-10-01', '10.10'], ['2026-10-23', '20.20'], ['2026-10-24', '99'], ['2026-10-31', '99'],
  ['2026-11-01', '1.05'], ['2026-11-23', '2'], ['2026-11-24', '500'],
].map(([key, value]) => ({ key: key!, value }));

test.each([
  ['2026-11-23', '3.05', '30.3'],
  ['2026-11-01', '1.05', '10.1'],
  ['2026-12-05', '0', '1.05'],
])('on %s', (today, now, before) => expect(sameDays(days, today)).toEqual({ now, before }));
