/** Spans of days by name, for pickers: all but one's own are whole months, which every report takes. */
export const SPANS = ['this_month', 'last_month', 'this_quarter', 'last_quarter', 'this_year', 'last_year', 'last_12_months', 'last_24_months'] as const;
export type SpanName = (typeof SPANS)[number];
export interface Span {
  from: string;
  to: string;
}

const day = (year: number, month: number, date: number) => new Date(Date.UTC(year, month, date)).toISOString().slice(0, 10);

/** The whole months from `first` to `last`, counted from January of `year`. */
const months = (year: number, first: number, last: number): Span => ({ from: day(year, first, 1), to: day(year, last + 1, 0) });

/** The days that a name stands for on the day `today`. */
export function spanOf(name: SpanName, today: string): Span {
  const year = Number(today.slice(0, 4));
  const month = Number(today.slice(5, 7)) - 1;
  const quarter = Math.floor(month / 3) * 3;
  switch (name) {
    case 'this_month': return months(year, month, month);
    case 'last_month': return months(year, month - 1, month - 1);
    case 'this_quarter': return months(year, quarter, quarter + 2);
    case 'last_quarter': return months(year, quarter - 3, quarter - 1);
    case 'this_year': return months(year, 0, 11);
    case 'last_year': return months(year - 1, 0, 11);
    case 'last_12_months': return months(year, month - 11, month);
    case 'last_24_months': return months(year, month - 23, month);
  }
}

/** Which name these days have on the day `today`, if any. */
export const spanName = (span: Span, today: string): SpanName | undefined =>
  SPANS.find((name) => {
    const { from, to } = spanOf(name, today);
    return from === span.from && to === span.to;
  });

/** The whole months that hold these days. */
export function wholeMonths({ from, to }: Span): Span {
  return { from: `${from.slice(0, 7)}-01`, to: day(Number(to.slice(0, 4)), Number(to.slice(5, 7)), 0) };
}

const BY_DAY = new Set(['day', 'week', 'month', 'quarter', 'year']);

/** Whether sums by this grouping are kept by month, so that its span takes whole ones. */
export const needsMonths = (report: string, by: string): boolean => !(report === 'sales' && BY_DAY.has(by));

/** Whether a group's time, as its key names it, still runs on the day `today`. */
export function runs(key: string, today: string): boolean {
  if (/^\d{4}(-\d\d){0,2}$/.test(key)) return today.startsWith(key);
  const quarter = /^(\d{4})-Q([1-4])$/.exec(key);
  if (quarter) return today.startsWith(quarter[1]!) && Math.ceil(Number(today.slice(5, 7)) / 3) === Number(quarter[2]);
  const week = /^(\d{4})-W(\d\d)$/.exec(key);
  return week !== null && weekStart(key) <= today && today < shift(weekStart(key), 7);
}

const shift = (from: string, days: number) => new Date(Date.parse(`${from}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** The Monday of an ISO week such as `2026-W47`. */
export function weekStart(key: string): string {
  const [year, week] = key.split('-W').map(Number) as [number, number];
  // The fourth of January always lies in the first week.
  const fourth = new Date(Date.UTC(year, 0, 4));
  const monday = day(year, 0, 4 - ((fourth.getUTCDay() + 6) % 7));
  return shift(monday, (week - 1) * 7);
}
