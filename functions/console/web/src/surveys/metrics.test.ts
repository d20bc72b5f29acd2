import { expect, test } from 'vitest';
import { formats } from '../ui/format';
import { choicesOf, type Condition, isAsked, linesOf, type Metric, placeOf, queryOf, rangeOf, toneOf, written } from './metrics';

const format = formats('en', 'UTC', 'USD');

test.each<[Metric, number, string]>([
  ['csat', 0.8333, '83%'],
  ['nps', 33.3, '+33'],
  ['nps', -12.6, '-13'],
  ['nps', 0, '0'],
  ['ces', 5.25, '5.3'],
  ['servqual', -1.04, '-1.0'],
])('%s of %d is written %s', (metric, value, text) => {
  expect(written(format, metric, value)).toBe(text);
});

test.each<[Metric, number, string]>([
  ['nps', 6, 'red'], ['nps', 8, 'gray'], ['nps', 9, 'green'], ['csat', 2, 'red'], ['csat', 4, 'green'], ['fault_tolerance', 1, 'gray'], ['ces', 5, 'green'],
])('a %s of %d is %s', (metric, score, tone) => {
  expect(toneOf(metric, score)).toBe(tone);
});

const when = (op: Condition['op'], value: unknown): Condition => ({ item: 'score', op, value: value as never });
test.each<[Condition | undefined, Record<string, unknown>, boolean]>([
  [undefined, {}, true],
  [when('lte', 6), {}, false],
  [when('lte', 6), { score: 6 }, true],
  [when('lte', 6), { score: 7 }, false],
  [when('gt', 6), { score: 10 }, true],
  [when('eq', 'no'), { score: 'no' }, true],
  [when('ne', 'no'), { score: 'yes' }, true],
  [when('ne', 'no'), {}, false],
])('%o of %o', (condition, answers, asked) => {
  expect(isAsked(condition, answers)).toBe(asked);
});

test('drawings stay within their ends', () => {
  expect([-200, -100, 0, 100].map((value) => placeOf(value, rangeOf('nps')))).toEqual([0, 0, 0.5, 1]);
});

test('the rows behind a number are asked for by its own query', () => {
  expect(queryOf('/v1/survey-invitations?answers_of=sur_1&score=4')).toBe('answers_of=sur_1&score=4');
});

test.each([
  ['yes = Yes = 会\nno = No = 不会', [['yes', 'Yes', '会'], ['no', 'No', '不会']]],
  ['maybe', [['maybe', 'maybe', null]]],
  ['a =  = 甲\n\n  ', [['a', null, '甲']]],
])('the lines %j are choices, and back', (lines, expected) => {
  const choices = choicesOf(lines);
  expect(choices.map(({ key, text }) => [key, text.en, text['zh-CN']])).toEqual(expected);
  expect(choicesOf(linesOf(choices))).toEqual(choices);
});
