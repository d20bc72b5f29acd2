/** What the measures, groupings and groups of reports are called, and how their values read. */
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { type Formats, useFormats } from '../ui/format';
import type { Group, ReportNumber } from './api';
import { weekStart } from './spans';

const NAMED = new Set(['lifecycle', 'segment', 'kind', 'gender', 'channel']);

export function words(t: TFunction, format: Formats, language: string) {
  const month = (key: string, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }).format(new Date(`${key.slice(0, 7)}-01T00:00:00Z`));
  /** A time as its key names it: `2026-11` is Nov 2026. */
  const time = (key: string): string | undefined => {
    if (/^\d{4}-\d\d$/.test(key)) return month(key, { month: 'short', year: 'numeric' });
    if (/^\d{4}-\d\d-\d\d$/.test(key)) return format.day(key);
    if (/^\d{4}-W\d\d$/.test(key)) return t('reports.week', { day: format.day(weekStart(key)) });
    const quarter = /^(\d{4})-Q(\d)$/.exec(key);
    return quarter ? t('reports.quarter', { year: quarter[1], quarter: quarter[2] }) : undefined;
  };
  return {
    report: (name: string, fallback: string) => t(`reports.name.${name}`, { defaultValue: fallback }),
    about: (name: string, fallback: string) => t(`reports.about.${name}`, { defaultValue: fallback }),
    measure: (key: string) => t(`reports.measure.${key}`, { defaultValue: key.replaceAll('_', ' ') }),
    by: (key: string) => t(`reports.by.${key}`, { defaultValue: key.replaceAll('_', ' ') }),
    time,
    /** For axes, where there is little room: days and weeks without their year. */
    brief: (key: string): string | undefined =>
      /^\d{4}-(\d\d-\d\d|W\d\d)$/.test(key)
        ? new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric', timeZone: 'UTC' }).format(new Date(`${key.includes('W') ? weekStart(key) : key}T00:00:00Z`))
        : time(key),
    group: (by: string, group: Pick<Group, 'key' | 'title'>): string =>
      group.key === '-'
        ? t('reports.unknown')
        : (time(group.key) ?? (NAMED.has(by) ? t(`reports.key.${group.key}`, { defaultValue: group.title }) : group.title)),
    /** For axes: short. */
    tick: (unit: ReportNumber['unit'], currency: string | null | undefined) => (value: number) =>
      unit === 'money' && currency
        ? format.number(value, { style: 'currency', currency, notation: 'compact', maximumFractionDigits: 1 })
        : unit === 'share'
          ? format.percent(value)
          : format.number(value, { notation: 'compact', maximumFractionDigits: 1 }),
    value: (unit: ReportNumber['unit'], value: string | null | undefined, currency: string | null | undefined): string => {
      if (value === null || value === undefined) return '—';
      const plain = (digits: number) => format.number(value as unknown as number, { maximumFractionDigits: digits });
      switch (unit) {
        case 'money': return currency ? format.money({ amount: value, currency } as never) : plain(2);
        case 'share': return format.percent(Number(value), 1);
        case 'days': return t('reports.days', { count: Math.round(Number(value) * 10) / 10, value: plain(1) });
        case 'times': return t('reports.times', { value: plain(2) });
        case 'points': return format.number(Number(value), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
        case 'money_days': return plain(0);
        default: return plain(3);
      }
    },
  };
}

export type Words = ReturnType<typeof words>;

export function useWords(): Words {
  const { t, i18n } = useTranslation();
  return words(t, useFormats(), i18n.language);
}
