/** What each metric's figures mean: their scale, how they are written, which answers are bad, and how conditions hold. */
import type { Survey } from '../api/records';
import type { components } from '../api/schema.gen';
import type { Formats } from '../ui/format';
import type { Tone } from '../ui/Tag';

type Schemas = components['schemas'];
export type Metric = Survey['metric'];
export type Figure = Schemas['SurveyFigure'];
export type Amounts = Schemas['SurveyAmounts'];
export type Results = Schemas['SurveyResults'];
export type Group = Schemas['SurveyGroup'];
export type Item = Schemas['SurveyItem'];
export type Condition = Schemas['SurveyCondition'];
export type Language = Schemas['SurveyLanguage'];
export type Invitation = Schemas['SurveyInvitation'] & { id: string };

export const METRICS: readonly Metric[] = ['csat', 'nps', 'ces', 'servqual', 'servqual_short', 'fault_tolerance'];
export const LANGUAGES: readonly Language[] = ['en', 'zh-CN'];

/** Between what a metric's one figure lies. */
const RANGES: Record<Metric, readonly [number, number]> = {
  csat: [0, 1], nps: [-100, 100], ces: [1, 7], servqual: [-6, 6], servqual_short: [1, 7], fault_tolerance: [1, 7],
};
export const rangeOf = (metric: Metric) => RANGES[metric];

/** The numbers a respondent chooses from. */
export const scaleOf = (metric: Metric): readonly [number, number] => (metric === 'csat' ? [1, 5] : metric === 'nps' ? [0, 10] : [1, 7]);

/** Where a survey asks one question for its score; the others make it of statements. */
export const asksScore = (metric: Metric): boolean => metric !== 'servqual' && metric !== 'servqual_short';

/** Up to which score somebody should call the customer; null where no answer is a complaint. */
export const badUpTo = (metric: Metric): number | null => (metric === 'nps' ? 6 : metric === 'fault_tolerance' ? null : 2);

/** How an answer is to be taken. */
export function toneOf(metric: Metric, score: number): Tone {
  const bad = badUpTo(metric);
  if (bad !== null && score <= bad) return 'red';
  const [, most] = scaleOf(metric);
  return score >= (metric === 'ces' ? 5 : most - 1) ? 'green' : 'gray';
}

/** A figure as it is written: a share as a percentage, the NPS as a whole number with its sign, a mean with a decimal. */
export function written(format: Formats, metric: Metric, value: number): string {
  if (metric === 'csat') return format.percent(value);
  if (metric === 'nps') return format.number(value, { maximumFractionDigits: 0, signDisplay: 'exceptZero' });
  return format.number(value, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: metric === 'servqual' ? 'exceptZero' : 'auto' });
}

/** Whether an item is asked, given what was answered before it. */
export function isAsked(condition: Condition | null | undefined, answers: Readonly<Record<string, unknown>>): boolean {
  if (!condition) return true;
  const given = answers[condition.item];
  if (given === undefined || given === null || given === '') return false;
  const value = condition.value as unknown as string | number;
  if (condition.op === 'eq' || condition.op === 'ne') return (String(given) === String(value)) === (condition.op === 'eq');
  const [left, right] = [Number(given), Number(value)];
  return { lt: left < right, lte: left <= right, gt: left > right, gte: left >= right }[condition.op];
}

/** Where a value stands between the ends of a drawing, as a share. */
export const placeOf = (value: number, [low, high]: readonly [number, number]): number => Math.max(0, Math.min(1, (value - low) / (high - low)));

/** The query of an address that lists the rows behind a number. */
export const queryOf = (address: string): string => address.split('?')[1] ?? '';

/** Choices as lines that a person can edit: `yes = Yes = 会`. */
export const linesOf = (choices: Item['choices']): string =>
  (choices ?? []).map(({ key, text }) => [key, text.en ?? '', text['zh-CN'] ?? ''].join(' = ').replace(/( = )+$/, '')).join('\n');

/** The choices that lines stand for; what has no words is called by its key. */
export const choicesOf = (lines: string): NonNullable<Item['choices']> =>
  lines
    .split('\n')
    .map((line) => line.split('=').map((part) => part.trim()))
    .flatMap(([key, en, zh]) => (key ? [{ key, text: { en: en || (zh ? null : key), 'zh-CN': zh || null } }] : []));
