/** Hours of the day as people type them. */

/** `9`, `930`, `9:30`, `09.30` as `09:30`; null when it is no time. `24:00` ends a day. */
export function parseClock(text: string): string | null {
  const found = /^(\d{1,2})(?:[:.：h]?(\d{2}))?$/.exec(text.trim());
  if (!found) return null;
  const [hour, minute] = [Number(found[1]), Number(found[2] ?? 0)];
  if (minute > 59 || hour > 24 || (hour === 24 && minute > 0)) return null;
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

export type Interval = [string, string];

/** Whether a day's intervals are times, each before its end, in order and without overlap. */
export function isDay(intervals: Interval[]): boolean {
  const times = intervals.flat().map(parseClock);
  return times.every((time, n) => time !== null && (n === 0 || (n % 2 ? time > times[n - 1]! : time >= times[n - 1]!))) && times.every((time, n) => n % 2 === 1 || time !== '24:00');
}

/** The hours worked in a week. */
export function hoursOf(week: Interval[][]): number {
  const minutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  return week.filter(isDay).flat().reduce((sum, [from, to]) => sum + minutes(parseClock(to)!) - minutes(parseClock(from)!), 0) / 60;
}

export type Span = 'minutes' | 'hours' | 'days';
const LENGTH: Record<Span, number> = { minutes: 1, hours: 60, days: 1440 };

/** Minutes in the largest unit that is whole. */
export function spanOf(minutes: number, units: Span[]): { count: number; unit: Span } {
  const unit = [...units].sort((one, other) => LENGTH[other] - LENGTH[one]).find((unit) => minutes > 0 && minutes % LENGTH[unit] === 0) ?? 'minutes';
  return { count: minutes / LENGTH[unit], unit };
}

export const minutesOf = (count: number, unit: Span): number => Math.round(count * LENGTH[unit]);
