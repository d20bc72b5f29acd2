/** Numbers, money, days and times, in the reader's language and the firm's time zone. */
import { useTranslation } from 'react-i18next';
import type { Money } from '../api/records';
import { useMe } from './me';

const kept = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();
function made<T extends Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>(key: string, make: () => T): T {
  let found = kept.get(key);
  if (!found) kept.set(key, (found = make()));
  return found as T;
}

const STEPS: Array<[Intl.RelativeTimeFormatUnit, number]> = [
  ['year', 31_557_600], ['month', 2_629_800], ['week', 604_800], ['day', 86_400], ['hour', 3_600], ['minute', 60],
];

export function formats(language: string, zone: string | undefined, currency: string) {
  const number = (value: number, options: Intl.NumberFormatOptions = {}) =>
    made(`n${language}${JSON.stringify(options)}`, () => new Intl.NumberFormat(language, options)).format(value);
  const time = (value: Date, options: Intl.DateTimeFormatOptions) =>
    made(`d${language}${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(language, options)).format(value);
  return {
    /** The firm's own currency. */
    currency,
    number,
    percent: (share: number, digits = 0) =>
      number(share, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits }),
    /** `1,250.00` with its currency; amounts of any length stay exact. */
    money: (money: Money | null | undefined) =>
      money
        ? made(`m${language}${money.currency}`, () => new Intl.NumberFormat(language, { style: 'currency', currency: money.currency }))
            // A decimal string is formatted digit by digit, never as a float.
            .format(money.amount as unknown as number)
        : '',
    /** Without decimals, for figures to be read at a glance. */
    roundMoney: (money: Money | null | undefined) =>
      money
        ? number(Number(money.amount), { style: 'currency', currency: money.currency, maximumFractionDigits: 0 })
        : '',
    /** A day such as `2026-11-22`, which has no time zone. */
    day: (day: string | null | undefined) =>
      day ? time(new Date(`${day.slice(0, 10)}T00:00:00Z`), { dateStyle: 'medium', timeZone: 'UTC' }) : '',
    /** A moment, on the firm's clock. */
    moment: (at: string | null | undefined) =>
      at ? time(new Date(at), { dateStyle: 'medium', timeStyle: 'short', timeZone: zone }) : '',
    dayOf: (at: string | null | undefined) => (at ? time(new Date(at), { dateStyle: 'medium', timeZone: zone }) : ''),
    /** The time of day, on the firm's clock. */
    clock: (at: string) => time(new Date(at), { timeStyle: 'short', timeZone: zone }),
    /** `3 days ago`, `in 2 hours`. */
    ago: (at: string | null | undefined, now = Date.now()) => {
      if (!at) return '';
      const seconds = (new Date(at).getTime() - now) / 1000;
      const [unit, length] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
      return made(`r${language}`, () => new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' })).format(
        Math.round(seconds / length),
        unit,
      );
    },
    /** Today's day where the firm is. */
    today: () => new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(new Date()),
  };
}

/** The reader's own way of writing a language, such as British English, where the browser names one. */
const localOf = (language: string): string =>
  navigator.languages.find((tag) => tag.split('-')[0] === language.split('-')[0] && tag.includes('-')) ?? language;

export type Formats = ReturnType<typeof formats>;

export function useFormats(): Formats {
  const { i18n } = useTranslation();
  const me = useMe();
  return formats(localOf(i18n.language), me.data?.tenant.time_zone, me.data?.tenant.currency ?? 'USD');
}
