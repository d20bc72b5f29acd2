import { UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import type { Money } from '../api/records';
import { useReport } from '../reports/api';
import { Curve } from '../ui/charts/Curve';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { ErrorState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { type Segments, useScores } from './api';
import { together, type Together } from './groups';
import { People, useGrowingScores } from './People';
import classes from './Segments.module.css';

const GRADES = ['A', 'B', 'C'];

/** What customers are worth: the pyramid of grades, and the curve that shows how few make how much. */
export default function Value({ segments }: { segments: Segments }) {
  const may = useMay();
  return (
    <div className={classes.value}>
      <Pyramid segments={segments} />
      {may('reports', 'read') && <Pareto />}
    </div>
  );
}

function Pyramid({ segments }: { segments: Segments }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [view, change] = useView();
  const keys = useMemo(() => segments.data.filter((segment) => segment.members).map((segment) => segment.key), [segments]);
  const result = useScores(keys);
  const grades = useMemo(() => together(result.data?.scores ?? [], (score) => score.pareto?.grade), [result.data]);
  if (result.error) return <ErrorState error={result.error} retry={() => void result.refetch()} />;
  if (!result.data) return <Loading />;
  const rows = GRADES.flatMap((grade): Array<[string, Together]> => (grades.has(grade) ? [[grade, grades.get(grade)!]] : []));
  const most = Math.max(...rows.map(([, row]) => row.members), 1);
  const members = rows.reduce((all, [, row]) => all + row.members, 0);
  const revenue = rows.reduce((all, [, row]) => all + Number(row.revenue), 0);
  const money = (amount: string) => format.roundMoney({ amount, currency: format.currency } as Money);
  const open = view.grade ? grades.get(view.grade) : undefined;
  return (
    <section>
      <h2 className={classes.heading}>{t('segments.value.pyramid')}</h2>
      <p className={classes.lead}>{t('segments.value.pyramidText')}</p>
      <div className={classes.scroller}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t('segments.column.grade')}</th>
              <th scope="col" data-pyramid><span className={classes.unseen}>{t('segments.value.picture')}</span></th>
              <th scope="col" data-end>{t('segments.column.members')}</th>
              <th scope="col" data-end>{t('segments.column.revenue')}</th>
              <th scope="col" data-end>{t('segments.column.revenueShare')}</th>
              <th scope="col" data-end>{t('segments.column.expected')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([grade, row]) => (
              <tr key={grade}>
                <td>
                  <UnstyledButton className={classes.open} onClick={() => change({ grade }, { push: true })}>{t('segments.value.grade', { grade })}</UnstyledButton>
                </td>
                <td data-pyramid aria-hidden><span className={classes.step} data-grade={grade} style={{ width: `${Math.max((row.members / most) * 100, 4)}%` }} /></td>
                <td data-end>{`${format.number(row.members)} · ${format.percent(row.members / members)}`}</td>
                <td data-end>{money(row.revenue)}</td>
                <td data-end>{revenue ? format.percent(Number(row.revenue) / revenue) : '—'}</td>
                <td data-end>{money(row.expected)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {open && view.grade && <Grade grade={view.grade} group={open} onClose={() => change({ grade: undefined })} />}
    </section>
  );
}

function Grade({ grade, group, onClose }: { grade: string; group: Together; onClose(): void }) {
  const { t } = useTranslation();
  const list = useGrowingScores(useMemo(() => [...group.scores].sort((one, other) => Number(other.rfm?.monetary.amount) - Number(one.rfm?.monetary.amount)), [group]));
  return <People title={t('segments.value.grade', { grade })} about={t('segments.grid.people', { count: group.members })} list={list} onClose={onClose} />;
}

/** The same customers one by one, over the last twelve months. */
function Pareto() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const report = useReport('pareto', { by: 'customer', limit: 1000 });
  const grades = useReport('pareto', { by: 'grade' });
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => answer(api.GET('/v1/settings')), enabled: may('settings', 'read') });
  const part = report.data?.parts.find((part) => part.currency === format.currency);
  const table = grades.data?.parts.find((part) => part.currency === format.currency);
  if (report.error) return <ErrorState error={report.error} retry={() => void report.refetch()} />;
  if (!report.data) return <Loading />;
  if (!part || part.groups.length < 2) return <p className="soft">{t('segments.value.few')}</p>;
  const cuts = (settings.data as { scoring?: { pareto_cuts?: number[] } } | undefined)?.scoring?.pareto_cuts ?? [0.8, 0.95];
  const share = (value: string | null | undefined) => (value ? format.percent(Number(value), 1) : '—');
  return (
    <section>
      <h2 className={classes.heading}>{t('segments.value.curve')}</h2>
      <p className={classes.lead}>
        {t('segments.value.curveText', { top: share(part.totals.top_20_percent_share?.value), few: share(part.totals.customers_for_80_percent?.value) })}
      </p>
      <p className={classes.way}>
        <Link to={'/reports/pareto' as string} search={{ by: 'customer' } as never}>{t('segments.value.report')}</Link>
      </p>
      <Curve
        label={t('segments.value.curve')}
        percent={(value) => format.percent(value)}
        cuts={cuts}
        tip={(point) => t('reports.curve', { customers: format.percent(point.customers, 1), sales: format.percent(point.sales, 1) })}
        points={part.groups.map((group) => ({
          name: group.title,
          customers: Number(group.numbers.cumulative_customers?.value ?? 0),
          sales: Number(group.numbers.cumulative_share?.value ?? 0),
        }))}
      />
      {table && (
        <table className={`${classes.table} ${classes.after}`}>
          <thead>
            <tr>
              <th scope="col">{t('segments.column.grade')}</th>
              <th scope="col" data-end>{t('segments.column.members')}</th>
              <th scope="col" data-end>{t('segments.column.sales')}</th>
              <th scope="col" data-end>{t('segments.column.revenueShare')}</th>
            </tr>
          </thead>
          <tbody>
            {table.groups.map((group) => (
              <tr key={group.key}>
                <td>{t('segments.value.grade', { grade: group.key })}</td>
                <td data-end>{group.numbers.customers?.value}</td>
                <td data-end>{format.roundMoney({ amount: group.numbers.sales?.value ?? '0', currency: format.currency } as Money)}</td>
                <td data-end>{share(group.numbers.share?.value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
