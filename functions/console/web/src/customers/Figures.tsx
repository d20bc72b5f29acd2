import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import type { Score } from './api';
import classes from './Overview.module.css';

/** One figure with what it is called. */
function Figure({ label, note, children }: { label: string; note?: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.figure}>
      <dt>{label}</dt>
      <dd>
        {children || '—'}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

/** The figures of a customer that are asked for first. */
export function Figures({ score, owes }: { score: Score; owes?: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { rfm, value } = score;
  return (
    <dl className={classes.figures}>
      <Figure label={t('customers.figure.spent')} note={rfm && t('customers.figure.average', { money: format.roundMoney(rfm.average) })}>{format.roundMoney(rfm?.monetary)}</Figure>
      <Figure label={t('customers.figure.frequency')} note={rfm && t('customers.figure.since', { day: format.day(rfm.first_purchase_on) })}>{rfm && format.number(rfm.frequency)}</Figure>
      <Figure label={t('customers.figure.recency')} note={rfm && format.day(rfm.last_purchase_on)}>{rfm && t('customers.days', { count: rfm.recency_days })}</Figure>
      <Figure label={t('customers.figure.value')} note={value?.interval && t('customers.figure.interval', { from: format.roundMoney(value.interval[0]), to: format.roundMoney(value.interval[1]) })}>
        {format.roundMoney(value?.clv_12m)}
      </Figure>
      {owes !== undefined && <Figure label={t('customers.figure.owes')}>{owes}</Figure>}
    </dl>
  );
}
