import { expect, test } from 'vitest';
import { hoursOf, type Interval, isDay, minutesOf, parseClock, spanOf } from './clock';

test.each([
  ['9', '09:00'], ['930', '09:30'], ['0930', '09:30'], ['9:30', '09:30'], ['18.15', '18:15'], ['9：05', '09:05'], [' 23:59 ', '23:59'], ['24:00', '24:00'],
  ['24:01', null], ['25', null], ['9:60', null], ['9:5', null], ['', null], ['noon', null],
])('%j is the time %j', (text, time) => {
  expect(parseClock(text)).toBe(time);
});

test.each<[Interval[], boolean]>([
  [[], true],
  [[['9', '12:00'], ['13:00', '24:00']], true],
  [[['09:00', '12:00'], ['12:00', '13:00']], true],
  [[['09:00', '12:00'], ['11:00', '13:00']], false],
  [[['12:00', '09:00']], false],
  [[['09:00', '09:00']], false],
  [[['09:00', '']], false],
  [[['24:00', '24:00']], false],
])('%j is a day: %j', (intervals, good) => {
  expect(isDay(intervals)).toBe(good);
});

test('hours of a week leave out days that are not right yet', () => {
  expect(hoursOf([[['9', '12'], ['13:00', '17:30']], [['9', '']], []])).toBe(7.5);
});

test.each([
  [90, 'minutes', 90], [120, 'hours', 2], [1440, 'days', 1], [2160, 'hours', 36], [0, 'minutes', 0],
] as const)('%d minutes are shown in %s', (minutes, unit, count) => {
  expect(spanOf(minutes, ['minutes', 'hours', 'days'])).toEqual({ count, unit });
  expect(minutesOf(count, unit)).toBe(minutes);
});
