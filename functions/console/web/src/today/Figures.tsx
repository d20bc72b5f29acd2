/** How the firm does: each figure with its series, and the way to what is behind it. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Money, records, call, withQuery } from '../api/records';
import { type Part, type Report, useReport } from '../reports/api';
import { spanOf } from '../reports/spans';
import { useWords } from '../reports/words';
import { Spark } from '../ui/charts/Spark';
import { sum } from '../ui/decimal';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { lastMonth, sameDays } from './month';
import classes from './Today.module.css';

interface FigureProps {
  label: string;
  value: ReactNode;
  about?: ReactNode;
  /** Up is good, down is bad; without, neither. */
  trend?: 'up' | 'down';
  to: string;
  search?: Record<string, string>;
  children?: ReactNode;
}

function Figure({ label, value, about, trend, to, search, children }: FigureProps) {
  return (
    <Link to={to as string} search={(search ?? {}) as never} className={classes.figure}>
      <span className={classes.figureLabel}>{label}</span>
      <span className={classes.figureValue}>{value}</span>
      {about && <span className={classes.figureAbout} data-trend={trend}>{about}</span>}
      {children && <span className={classes.figureChart}>{children}</span>}
    </Link>
  );
}

/** The part in the firm's own currency; others have reports of their own. */
const own = (report: Report | undefined, currency: string): Part | undefined =>
  report?.parts.find((part) => part.currency === currency);

export function Figures() {
  const may = useMay();
  return (
    <div className={classes.figures}>
      {may('reports', 'read') && <Sales />}
      {may('reports', 'read') && <Forecast />}
      {may('reports', 'read') && <Customers />}
      {may('surveys', 'read') && <Satisfaction />}
      {may('reports', 'read') && <Balance />}
    </div>
  );
}

function Sales() {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const today = format.today();
  const days = useReport('sales', { by: 'day', from: lastMonth(today), to: today });
  const year = useReport('sales', { by: 'month', ...spanOf('last_12_months', today) });
  const part = own(days.data, format.currency);
  const series = own(year.data, format.currency)?.groups ?? [];
  const money = (amount: string) => format.roundMoney({ amount, currency: format.currency } as Money);
  const { now, before } = sameDays(part?.groups.map(({ key, numbers }) => ({ key, value: numbers.sales?.value })) ?? [], today);
  const growth = Number(before) ? Number(now) / Number(before) - 1 : null;
  if (!days.data) return <Waiting label={t('today.sales.label')} failed={days.isError} />;
  return (
    <Figure
      label={t('today.sales.label')}
      value={money(now)}
      trend={growth === null ? undefined : growth < 0 ? 'down' : 'up'}
      about={
        growth === null
          ? t('today.sales.first')
          : t('today.sales.against', { change: format.number(growth, { style: 'percent', signDisplay: 'exceptZero', maximumFractionDigits: 0 }), before: money(before) })
      }
      to="/reports/sales"
      search={{ ...spanOf('this_month', today), by: 'day' }}
    >
      {series.length > 0 && (
        <Spark open values={series.map((group) => Number(group.numbers.sales?.value ?? 0))}
          label={series.map((group) => `${words.time(group.key)}: ${money(group.numbers.sales?.value ?? '0')}`).join(', ')} />
      )}
    </Figure>
  );
}

function Forecast() {
  const { t } = useTranslation();
  const format = useFormats();
  const month = format.today().slice(0, 7);
  const report = useReport('forecast', {});
  const expected = own(report.data, format.currency)?.groups.find((group) => group.key === month)?.numbers.forecast;
  if (!expected?.value) return null;
  const money = (amount: string) => format.roundMoney({ amount, currency: format.currency } as Money);
  return (
    <Figure
      label={t('today.forecast.label')}
      value={money(expected.value)}
      about={expected.interval && t('today.forecast.interval', { low: money(expected.interval[0]!), high: money(expected.interval[1]!) })}
      to="/reports/forecast"
    />
  );
}

function Customers() {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const today = format.today();
  const report = useReport('started-stopped', { by: 'month', ...spanOf('last_12_months', today) });
  const groups = report.data?.parts[0]?.groups ?? [];
  const now = groups.find((group) => group.key === today.slice(0, 7))?.numbers;
  if (!report.data) return <Waiting label={t('today.customers.label')} failed={report.isError} />;
  if (!groups.length) return null;
  return (
    <Figure
      label={t('today.customers.label')}
      value={format.number(Number(now?.started?.value ?? 0))}
      about={t('today.customers.year', { count: Number(report.data.parts[0]?.totals.started?.value ?? 0) })}
      to="/reports/started-stopped"
    >
      <Spark open values={groups.map((group) => Number(group.numbers.started?.value ?? 0))}
        label={groups.map((group) => `${words.time(group.key)}: ${group.numbers.started?.value ?? 0}`).join(', ')} />
    </Figure>
  );
}

interface Results {
  answered: number;
  invitations: number;
  csat?: { value: number; low: number; high: number } | null;
  groups: Array<{ key: string; answered: number; csat?: { value: number } | null }>;
}

function Satisfaction() {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const today = format.today();
  const survey = useQuery({
    queryKey: ['surveys', 'list', { metric: 'csat', active: 'true', limit: 1 }],
    queryFn: ({ signal }) => records.page('surveys', { metric: 'csat', active: 'true', limit: 1 }, signal),
  }).data?.data[0];
  const { from, to } = spanOf('last_12_months', today);
  const results = useQuery({
    queryKey: ['surveys', 'results', survey?.id, { from, to, by: 'month' }],
    queryFn: ({ signal }) => call<Results>('GET', withQuery(`/v1/surveys/${survey?.id}/results`, { from, to, by: 'month' }), { signal }),
    enabled: Boolean(survey),
  }).data;
  if (!survey || !results) return null;
  const figure = results.csat;
  const months = results.groups.filter((group) => group.csat);
  return (
    <Figure
      label={t('today.satisfaction.label')}
      value={figure ? format.percent(figure.value) : '—'}
      about={
        figure
          ? t('today.satisfaction.interval', { low: format.percent(figure.low), high: format.percent(figure.high), count: results.answered })
          : t('today.satisfaction.none', { count: results.invitations })
      }
      to={`/surveys/${survey.id}`}
    >
      {months.length > 1 && (
        <Spark values={months.map((group) => group.csat!.value)} label={months.map((group) => `${words.time(group.key)}: ${format.percent(group.csat!.value)}`).join(', ')} />
      )}
    </Figure>
  );
}

const OLDEST = 10;

function Balance() {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const today = format.today();
  // Money may be owed for years, and the report names the months it is owed since.
  const { to } = spanOf('this_month', today);
  const from = `${Number(today.slice(0, 4)) - OLDEST}-01-01`;
  const report = useReport('receivables', { by: 'month', from, to });
  const part = own(report.data, format.currency);
  if (!report.data) return <Waiting label={t('today.balance.label')} failed={report.isError} />;
  if (!part) return null;
  const money = (amount: string) => format.roundMoney({ amount, currency: format.currency } as Money);
  const months = part.groups.slice(-12);
  const thisMonth = part.groups.find((group) => group.key === today.slice(0, 7))?.numbers.balance?.value ?? '0';
  const older = sum([part.totals.balance?.value, thisMonth.startsWith('-') ? thisMonth.slice(1) : `-${thisMonth}`]);
  return (
    <Figure
      label={t('today.balance.label')}
      value={money(part.totals.balance?.value ?? '0')}
      about={Number(older) > 0 ? t('today.balance.older', { amount: money(older) }) : t('today.balance.fresh')}
      to="/reports/receivables"
      search={{ by: 'customer', from, to }}
    >
      <Spark open values={months.map((group) => Number(group.numbers.balance?.value ?? 0))}
        label={months.map((group) => `${words.time(group.key)}: ${money(group.numbers.balance?.value ?? '0')}`).join(', ')} />
    </Figure>
  );
}

const Waiting = ({ label, failed }: { label: string; failed: boolean }) => (
  <div className={classes.figure} aria-busy={!failed}>
    <span className={classes.figureLabel}>{label}</span>
    <span className={classes.figureValue}>{failed ? '—' : '…'}</span>
  </div>
);
