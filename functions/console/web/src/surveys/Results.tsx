import { Button, Select, Table, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Survey } from '../api/records';
import { useFormats } from '../ui/format';
import { usePeople } from '../ui/me';
import { useNames } from '../ui/names';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { Distribution, ItemResults, NpsParts } from './Distribution';
import { Interval, Within } from './Interval';
import { type Group, queryOf, type Results as Answers, written } from './metrics';
import { useResults } from './results';
import classes from './Results.module.css';
import { Servqual } from './Servqual';
import { Trend } from './Trend';

const BY = ['month', 'week', 'segment', 'agent', 'product', 'language'] as const;

/** What the answers amount to, together and by group. Every number opens the rows behind it. */
export function Results({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const by = BY.find((by) => by === view.by) ?? 'month';
  const { data, error, refetch } = useResults(survey.id, { from: view.from, to: view.to, by });
  const day = (key: 'from' | 'to') => (
    <TextInput type="date" size="xs" label={t(`surveys.${key}`)} value={view[key] ?? ''} max={key === 'from' ? view.to : undefined} min={key === 'to' ? view.from : undefined}
      onChange={(event) => change({ [key]: event.currentTarget.value || undefined })} />
  );
  return (
    <div className={classes.results}>
      <div className={classes.asked}>
        {day('from')}
        {day('to')}
        <Select size="xs" label={t('surveys.by')} allowDeselect={false} value={by} data={BY.map((value) => ({ value, label: t(`surveys.group.${value}`) }))} onChange={(value) => change({ by: value ?? undefined })} />
        {(view.from || view.to) && <Button variant="subtle" color="gray" onClick={() => change({ from: undefined, to: undefined })}>{t('surveys.allTime')}</Button>}
      </div>
      {error ? <ErrorState error={error} retry={() => void refetch()} /> : !data ? <Loading lines={8} /> : <Figures survey={survey} data={data} by={by} />}
    </div>
  );
}

function Figures({ survey, data, by }: { survey: Survey; data: Answers; by: (typeof BY)[number] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { metric } = survey;
  if (data.invitations === 0 && data.answered === 0) return <EmptyState title={t('surveys.nobody.title')}>{t('surveys.nobody.text')}</EmptyState>;
  const { rows } = data;
  return (
    <>
      <section>
        <h2>{t(`surveys.metric.${metric}`)}</h2>
        {data.score ? (
          <>
            <div className={classes.headline}>
              <span className={classes.big}>{written(format, metric, data.score.value)}</span>
              <div className={classes.wide}>
                <Interval figure={data.score} metric={metric} />
                <div className={classes.words}>
                  <Within figure={data.score} metric={metric} />
                  <span className="soft">{t('surveys.confidence', { count: data.score.n })}</span>
                </div>
              </div>
            </div>
            <p className={classes.explain}>{t(`surveys.explain.${metric}`)}</p>
          </>
        ) : (
          <p className="soft">{t('surveys.noScore')}</p>
        )}
        <dl className={classes.numbers}>
          <Number label={t('surveys.invitations')} value={data.invitations} rows={rows.invitations} />
          <Number label={t('surveys.status.pending')} value={data.pending} rows={rows.pending} />
          <Number label={t('surveys.mailed')} value={data.sent} rows={rows.sent} />
          <Number label={t('surveys.answers')} value={data.answered} rows={rows.answered} />
          <Number label={t('surveys.status.skipped')} value={data.skipped} rows={rows.skipped} />
          {data.response_rate && (
            <div>
              <dt className="label">{t('surveys.rate')}</dt>
              <dd title={t('surveys.within', { low: format.percent(data.response_rate.low), high: format.percent(data.response_rate.high) })}>{format.percent(data.response_rate.value)}</dd>
            </div>
          )}
        </dl>
      </section>
      {data.answered > 0 && (
        <>
          {data.nps && <NpsParts nps={data.nps} />}
          {data.ces && (
            <p className={classes.explain}>{t('surveys.agreeing', { share: format.percent(data.ces.agreeing.value), low: format.percent(data.ces.agreeing.low), high: format.percent(data.ces.agreeing.high) })}</p>
          )}
          <Distribution metric={metric} distribution={data.distribution} rows={rows.answered} />
          {data.servqual && <Servqual servqual={data.servqual} />}
          <ItemResults survey={survey} counts={data.items ?? {}} rows={rows.answered} />
        </>
      )}
      <section>
        <h2>{t(`surveys.group.${by}`)}</h2>
        {(by === 'month' || by === 'week') && data.groups.filter(({ score }) => score).length > 1 && <Trend metric={metric} data={data} by={by} />}
        <Groups survey={survey} groups={data.groups} by={by} />
        {!data.complete && <p className="soft">{t('surveys.incomplete')}</p>}
      </section>
    </>
  );
}

/** A number that leads to the records it counts. */
export function Rows({ rows, children }: { rows: string; children: React.ReactNode }) {
  return <Link to="." search={((old: object) => ({ ...old, tab: 'invitations', rows: queryOf(rows) })) as never}>{children}</Link>;
}

function Number({ label, value, rows }: { label: string; value: number; rows: string }) {
  const format = useFormats();
  return (
    <div>
      <dt className="label">{label}</dt>
      <dd>{value > 0 ? <Rows rows={rows}>{format.number(value)}</Rows> : '0'}</dd>
    </div>
  );
}

function Groups({ survey, groups, by }: { survey: Survey; groups: Group[]; by: (typeof BY)[number] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const people = usePeople();
  const product = useNames('products', by === 'product' ? groups.map(({ key }) => key).filter((key) => key !== 'none') : []);
  const name = (key: string): string => {
    if (key === 'none') return t(`surveys.none.${by}`);
    if (by === 'segment') return t(`customers.segment.${key}`);
    if (by === 'agent') return people.name(key) || key;
    if (by === 'product') return product(key) || '…';
    if (by === 'language') return t(`surveys.language.${key}`);
    return key;
  };
  const { metric } = survey;
  const timed = by === 'month' || by === 'week';
  if (groups.length === 0) return <p className="soft">{t('surveys.noGroups')}</p>;
  return (
    <div className={classes.scroll} role="region" aria-label={t(`surveys.group.${by}`)} tabIndex={0}>
      <Table verticalSpacing={6} className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t(`surveys.group.${by}`)}</Table.Th>
            <Table.Th ta="right">{t('surveys.score')}</Table.Th>
            <Table.Th className={classes.drawn}>{t('surveys.interval')}</Table.Th>
            {timed && <Table.Th ta="right">{t('surveys.change')}</Table.Th>}
            <Table.Th ta="right">{t('surveys.answers')}</Table.Th>
            <Table.Th ta="right">{t('surveys.rate')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {groups.map((group) => (
            <Table.Tr key={group.key}>
              <Table.Td>{name(group.key)}</Table.Td>
              <Table.Td ta="right" className="number">{group.score ? written(format, metric, group.score.value) : '—'}</Table.Td>
              <Table.Td>
                {group.score && (
                  <div className={classes.cell}>
                    <Interval figure={group.score} metric={metric} />
                    <Within figure={group.score} metric={metric} />
                  </div>
                )}
              </Table.Td>
              {timed && <Table.Td ta="right" className="number">{group.change ? written(format, metric, group.change.value) : ''}</Table.Td>}
              <Table.Td ta="right" className="number">{group.answered ? <Rows rows={group.rows.answered}>{format.number(group.answered)}</Rows> : '0'}</Table.Td>
              <Table.Td ta="right" className="number">{group.response_rate ? format.percent(group.response_rate.value) : '—'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
