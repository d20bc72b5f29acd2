import { expect, test } from 'vitest';
import { path, spread, ticks } from './scale';

test.each([
  [0, 100, [0, 20, 40, 60, 80, 100]],
  [0, 11439.88, [0, 2500, 5000, 7500, 10000, 12500]],
  [-7, 17, [-10, -5, 0, 5, 10, 15, 20]],
  [0, 0, [0, 0.2]],
  [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0, 3, [0, 1, 2, 3]],
])('from %d to %d', (low, high, marks) => {
  const made = ticks(low, high);
  expect(made[0]!).toBeLessThanOrEqual(low);
  expect(made.at(-1)!).toBeGreaterThanOrEqual(high);
  expect(made).toEqual(marks);
});

test('what is counted is marked at whole numbers', () => expect(ticks(0, 2, true)).toEqual([0, 1, 2]));

test.each([
  [12, 12, 12],
  [12, 6, 6],
  [365, 10, 10],
  [1, 5, 1],
])('%d names in the room of %d', (count, room, shown) => {
  const chosen = spread(count, room);
  expect(chosen.size).toBe(shown);
  expect(chosen.has(count - 1)).toBe(true);
});

test('a hole begins a new line', () => {
  expect(path([[0, 1], [1, 2], null, [3, 4]])).toBe('M0.0 1.0L1.0 2.0M3.0 4.0');
});
