/** This month against the last one, on equal terms: only as many days of it as this month has had. */
import { sum } from '../ui/decimal';

export interface DayValue {
  key: string;
  value: string | null | undefined;
}

/** The first day of the month before that of `today`. */
export function lastMonth(today: string): string {
  return new Date(Date.UTC(Number(today.slice(0, 4)), Number(today.slice(5, 7)) - 2, 1)).toISOString().slice(0, 10);
}

/** The sales from the first of the month to `today`, and those of the same days of the month before. */
export function sameDays(days: DayValue[], today: string): { now: string; before: string } {
  const before = lastMonth(today).slice(0, 7);
  const upTo = (month: string) => sum(days.filter(({ key }) => key.startsWith(month) && key.slice(8) <= today.slice(8)).map(({ value }) => value));
  return { now: upTo(today.slice(0, 7)), before: upTo(before) };
}
