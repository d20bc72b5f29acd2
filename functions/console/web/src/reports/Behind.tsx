import { ActionIcon, Button, UnstyledButton } from '@mantine/core';
import { IconChevronLeft, IconDownload, IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { sum } from '../ui/decimal';
import { tell, tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { SideDrawer } from '../ui/SideDrawer';
import { ErrorState, Loading } from '../ui/states';
import { keepRows, placeOf, type Report, type ReportNumber, useRows } from './api';
import classes from './Behind.module.css';
import type { Found } from './number';
import { useWords } from './words';

interface Props {
  report: Report | undefined;
  found: Found | null;
  address: string | undefined;
  onMove(address: string | undefined): void;
}

/** What is behind a number: how it comes about, what it is made of, and the records that sum to it. */
export function Behind({ report, found, address, onMove }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  if (!report || !found) return null;
  const { number, group, trail, part } = found;
  const close = () => onMove(undefined);
  const value = (of: ReportNumber) => words.value(of.unit, of.value, part.currency);
  const up = trail.length > 1 ? address!.slice(0, address!.lastIndexOf('.')) : undefined;
  const { explain } = number;
  const title = [words.measure(trail.at(-1)!), group && words.group(report.by, group)].filter(Boolean).join(' · ');
  return (
    <SideDrawer label={title} opened onClose={close} size="min(500px, 100vw)">
      <div className={classes.head}>
        {up && (
          <ActionIcon variant="subtle" color="gray" aria-label={t('reports.behind.up')} onClick={() => onMove(up)}><IconChevronLeft size={18} /></ActionIcon>
        )}
        <h2 className={`${classes.title} cut`}>{title}</h2>
        <ActionIcon variant="subtle" color="gray" aria-label={t('common.close')} onClick={close}><IconX size={18} /></ActionIcon>
      </div>
      <div className={classes.body}>
        <p className={classes.value}>{value(number)}</p>
        {number.interval && (
          <p className={classes.interval}>
            {t('reports.behind.interval', { low: words.value(number.unit, number.interval[0], part.currency), high: words.value(number.unit, number.interval[1], part.currency) })}
          </p>
        )}
        <dl className={classes.explain}>
          <dt>{t('reports.behind.formula')}</dt>
          <dd>{t(`reports.formula.${trail.at(-1)}`, { defaultValue: explain.formula })}</dd>
          <dt>{t('reports.behind.filter')}</dt>
          <dd>{[group && words.group(report.by, group), !(group && words.time(group.key)) && `${format.day(report.from)} – ${format.day(report.to)}`, part.currency].filter(Boolean).join(' · ')}</dd>
          <dt>{t('reports.behind.rows')}</dt>
          <dd className="number">{format.number(explain.rows)}</dd>
          <dt>{t('reports.behind.asOf')}</dt>
          <dd>{format.moment(explain.as_of)}</dd>
        </dl>
        <details className={classes.words}>
          <summary>{t('reports.behind.exact')}</summary>
          <p lang="en">{explain.formula}</p>
          <p lang="en">{explain.filter}</p>
        </details>
        {number.of && (
          <>
            <h3 className={classes.heading}>{t('reports.behind.of')}</h3>
            <ul className={classes.of}>
              {Object.entries(number.of).map(([measure, inner]) => (
                <li key={measure}>
                  <UnstyledButton className={classes.inner} onClick={() => onMove(`${address}.${measure}`)}>
                    <span>{words.measure(measure)}</span>
                    <span className="number">{value(inner)}</span>
                  </UnstyledButton>
                </li>
              ))}
            </ul>
          </>
        )}
        {number.rows && <Rows key={number.rows} address={number.rows} number={number} currency={part.currency} />}
      </div>
    </SideDrawer>
  );
}

function Rows({ address, number, currency }: { address: string; number: ReportNumber; currency: string | null | undefined }) {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const list = useRows(address);
  const total = sum(list.rows.map((row) => row.value));
  const count = number.unit === 'count';
  return (
    <>
      <div className={classes.rowsHead}>
        <h3 className={classes.heading}>{t('reports.behind.records')}</h3>
        <Button
          size="xs"
          variant="subtle"
          leftSection={<IconDownload size={14} />}
          onClick={() => void keepRows(address, number.explain.rows).then((saved) => saved || tell(t('reports.keep.queued')), tellError)}
        >
          CSV
        </Button>
      </div>
      {list.error ? (
        <ErrorState error={list.error} retry={list.retry} />
      ) : list.loading ? (
        <Loading lines={5} />
      ) : list.rows.length === 0 ? (
        <p className="soft">{t('reports.behind.none')}</p>
      ) : (
        <>
          <table className={classes.rows}>
            <tbody>
              {list.rows.map((row, index) => {
                const place = placeOf(row.href);
                const title = row.record.startsWith('ord_') ? t('reports.behind.order', { number: row.title }) : row.title;
                return (
                  <tr key={`${row.record}${index}`}>
                    <td>
                      <div className="cut">{place ? <Link to={place as string}>{title}</Link> : title}</div>
                      {row.note && <div className={classes.note} lang="en">{row.note}</div>}
                    </td>
                    <td className="soft">{format.day(row.on)}</td>
                    <td className={classes.amount}>{count && row.value === '1' ? '' : words.value(number.unit, row.value, currency)}</td>
                  </tr>
                );
              })}
            </tbody>
            <tfoot>
              <tr>
                <th scope="row" colSpan={2}>{list.hasMore ? t('reports.behind.sumSoFar', { count: list.rows.length }) : t('reports.behind.sum', { count: list.rows.length })}</th>
                <td className={classes.amount}>{words.value(number.unit, total, currency)}</td>
              </tr>
            </tfoot>
          </table>
          {list.hasMore && (
            <Button mt="sm" size="xs" variant="default" loading={list.growing} onClick={list.grow}>{t('reports.behind.more')}</Button>
          )}
        </>
      )}
    </>
  );
}
