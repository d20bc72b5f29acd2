import { expect, test } from 'vitest';
import { needsMonths, runs, spanName, spanOf, weekStart, wholeMonths } from './spans';

test.each([
  ['this_month', '2026-11-23', '2026-11-01', '2026-11-30'],
  ['last_month', '2026-01-05', '2025-12-01', '2025-12-31'],
  ['this_quarter', '2026-11-23', '2026-10-01', '2026-12-31'],
  ['last_quarter', '2026-02-10', '2025-10-01', '2025-12-31'],
  ['this_year', '2026-11-23', '2026-01-01', '2026-12-31'],
  ['last_year', '2026-11-23', '2025-01-01', '2025-12-31'],
  ['last_12_months', '2024-02-29', '2023-03-01', '2024-02-29'],
  ['last_24_months', '2026-11-23', '2024-12-01', '2026-11-30'],
] as const)('%s on %s', (name, today, from, to) => {
  expect(spanOf(name, today)).toEqual({ from, to });
  expect(spanName({ from, to }, today)).toBe(name);
});

test('days that are no span have no name', () => expect(spanName({ from: '2026-11-02', to: '2026-11-30' }, '2026-11-23')).toBeUndefined());

test('whole months hold the days', () =>
  expect(wholeMonths({ from: '2026-01-15', to: '2026-02-03' })).toEqual({ from: '2026-01-01', to: '2026-02-28' }));

test.each([
  ['sales', 'week', false],
  ['sales', 'customer', true],
  ['trading', 'customer', true],
])('%s by %s', (report, by, whole) => expect(needsMonths(report, by)).toBe(whole));

test.each([
  ['2026-W47', '2026-11-16'],
  ['2026-W01', '2025-12-29'],
  ['2021-W01', '2021-01-04'],
])('%s begins on %s', (week, monday) => expect(weekStart(week)).toBe(monday));

test.each([
  ['2026-11', true],
  ['2026-10', false],
  ['2026', true],
  ['2026-11-23', true],
  ['2026-Q4', true],
  ['2026-Q3', false],
  ['2026-W48', true],
  ['2026-W47', false],
  ['con_1', false],
])('%s runs on a Monday of November: %s', (key, still) => expect(runs(key, '2026-11-23')).toBe(still));
