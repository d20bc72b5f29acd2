import { Button, Select, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useView } from '../ui/view';
import { type Part, placeOfKey, type Report, type ReportNumber } from './api';
import { addressOf, measuresOf } from './number';
import { Picture, pictured } from './Picture';
import classes from './Report.module.css';
import { useWords } from './words';

const FIRST = 60;

/** A report in one currency: its totals, a picture, and the table, in which each number opens what is behind it. */
export function PartView({ report, part, index }: { report: Report; part: Part; index: number }) {
  const { t } = useTranslation();
  const words = useWords();
  const [view, change] = useView();
  const [all, showAll] = useState(false);
  const measures = measuresOf(part);
  const choices = pictured(report, measures, part);
  const chosen = choices.includes(view.measure ?? '') ? view.measure! : choices[0];
  const groups = inOrder(report, part);
  const rows = all ? groups : groups.slice(0, FIRST);
  const open = (address: string) => change({ number: address }, { push: !view.number });
  return (
    <section className={classes.part} aria-label={part.currency ?? undefined}>
      {report.parts.length > 1 && part.currency && <h2 className={classes.currency}>{part.currency}</h2>}
      {part.converted && part.converted.length > 0 && (
        <p className={classes.about}>{t('reports.converted', { rates: part.converted.map(([from, rate]) => `1 ${from} = ${rate} ${part.currency}`).join(', ') })}</p>
      )}
      {Object.keys(part.totals).length > 0 && (
        <div className={classes.totals}>
          {Object.entries(part.totals).map(([measure, number]) => (
            <UnstyledButton key={measure} className={classes.total} onClick={() => open(addressOf(index, undefined, [measure]))}>
              <span className={classes.sub}>{words.measure(measure)}</span>
              <span className={classes.figure}>{words.value(number.unit, number.value, part.currency)}</span>
              {number.interval && <span className={classes.sub}>{interval(number, part, words.value)}</span>}
            </UnstyledButton>
          ))}
        </div>
      )}
      {chosen && part.groups.length > 1 && (
        <div className={classes.picture}>
          <div className={classes.pictureHead}>
            {choices.length > 1 ? (
              <Select
                size="xs"
                w={170}
                aria-label={t('reports.measureShown')}
                allowDeselect={false}
                data={choices.map((value) => ({ value, label: words.measure(value) }))}
                value={chosen}
                onChange={(next) => change({ measure: next === choices[0] ? undefined : (next ?? undefined) })}
              />
            ) : (
              <h2>{t('reports.picture', { measure: words.measure(chosen), by: words.by(report.by) })}</h2>
            )}
          </div>
          <Picture report={report} part={part} measure={chosen} onPick={(key, measure) => open(addressOf(index, key, [measure]))} />
        </div>
      )}
      {part.groups.length > 0 && (
        <div className={classes.scroller} tabIndex={0} role="region" aria-label={t('reports.table')}>
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">{words.by(report.by)}</th>
                {measures.map((measure) => <th key={measure} scope="col">{words.measure(measure)}</th>)}
              </tr>
            </thead>
            <tbody>
              {rows.map((group) => {
                const place = placeOfKey(group.key);
                const title = words.group(report.by, group);
                return (
                  <tr key={group.key}>
                    <td><div className="cut">{place ? <Link to={place as string}>{title}</Link> : title}</div></td>
                    {measures.map((measure) => (
                      <td key={measure}>
                        <Cell
                          number={group.numbers[measure]}
                          currency={part.currency}
                          label={`${title}, ${words.measure(measure)}`}
                          open={view.number?.startsWith(addressOf(index, group.key, [measure])) ?? false}
                          onOpen={() => open(addressOf(index, group.key, [measure]))}
                        />
                      </td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {(rows.length < groups.length || part.groups_left_out > 0) && (
        <div className={classes.more}>
          {rows.length < groups.length && (
            <Button variant="default" size="xs" onClick={() => showAll(true)}>{t('reports.showAll', { count: groups.length })}</Button>
          )}
          {part.groups_left_out > 0 && (
            <>
              <span>{t('reports.leftOut', { count: part.groups_left_out })}</span>
              {view.limit !== '1000' && (
                <Button variant="default" size="xs" onClick={() => change({ limit: '1000' })}>{t('reports.upTo', { count: 1000 })}</Button>
              )}
            </>
          )}
        </div>
      )}
    </section>
  );
}

/** A forecast begins with what is to come; months before the first sale say nothing. */
function inOrder(report: Report, part: Part): Part['groups'] {
  if (report.name !== 'forecast' || report.by !== 'month') return part.groups;
  const first = part.groups.findIndex((group) => group.numbers.forecast || Number(group.numbers.sales?.value));
  return part.groups.slice(Math.max(first, 0)).reverse();
}

const interval = (number: ReportNumber, part: Part, value: (unit: ReportNumber['unit'], text: string, currency?: string | null) => string) =>
  number.interval!.map((end) => value(number.unit, end, part.currency)).join(' – ');

interface CellProps {
  number: ReportNumber | undefined;
  currency: string | null | undefined;
  label: string;
  open: boolean;
  onOpen(): void;
}

function Cell({ number, currency, label, open, onOpen }: CellProps) {
  const words = useWords();
  if (!number) return null;
  const text = words.value(number.unit, number.value, currency);
  return (
    <UnstyledButton
      className={classes.cell}
      aria-label={`${label}: ${text}`}
      data-open={open || undefined}
      data-zero={!Number(number.value) || undefined}
      onClick={onOpen}
    >
      {text}
    </UnstyledButton>
  );
}
