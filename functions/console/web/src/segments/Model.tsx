import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import type { Segments } from './api';
import classes from './Segments.module.css';

/** The figures of the model that all scores come from, and when it ran. */
export default function Model({ segments }: { segments: Segments }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { model, repeat_purchase_rate: rate } = segments;
  if (!model) return <p className="soft">{t('segments.model.none')}</p>;
  const fit = (value: number | null | undefined, digits = 3) => (value === null || value === undefined ? '—' : format.number(value, { maximumFractionDigits: digits }));
  const { bg_nbd: orders, gamma_gamma: spend, pareto } = model;
  return (
    <div className={classes.model}>
      <p className={classes.lead}>{t('segments.model.text', { day: format.day(model.until), count: model.customers, time: format.moment(segments.scored_at) })}</p>
      <List title={t('segments.model.concentration')} rows={[
        [t('segments.model.top'), pareto && format.percent(pareto.top_20_percent_share, 1)],
        [t('segments.model.for80'), pareto && format.percent(pareto.customers_for_80_percent, 1)],
        [t('segments.model.gini'), pareto && fit(pareto.gini)],
        [t('segments.model.repeat'), rate && format.percent(rate.value, 1), rate && t('segments.effect.interval', { low: format.percent(rate.low, 1), high: format.percent(rate.high, 1) })],
        [t('segments.model.rhythm'), model.common_rhythm_days && t('reports.days', { count: model.common_rhythm_days, value: fit(model.common_rhythm_days, 1) })],
      ]} />
      {orders && (
        <List title={t('segments.model.orders')} about={basis(orders.basis)} rows={[
          ['r', fit(orders.r)], ['α', fit(orders.alpha)], ['a', fit(orders.a)], ['b', fit(orders.b)],
          [t('segments.model.likelihood'), fit(orders.log_likelihood, 1)], [t('segments.model.repeaters'), fit(orders.repeaters, 0)],
        ]} />
      )}
      {spend && (
        <List title={t('segments.model.spend')} about={basis(spend.basis)} rows={[
          ['p', fit(spend.p)], ['q', fit(spend.q)], ['v', fit(spend.v)],
          [t('segments.model.mean'), format.money({ amount: String(spend.mean_spend), currency: format.currency } as never)],
          [t('segments.model.likelihood'), fit(spend.log_likelihood, 1)],
          [t('segments.model.correlation'), fit(model.frequency_spend_correlation)],
        ]} />
      )}
    </div>
  );

  function basis(key: string | undefined): string | undefined {
    return key ? t(`segments.model.basis.${key}`, { defaultValue: key }) : undefined;
  }
}

function List({ title, about, rows }: { title: string; about?: string; rows: Array<[string, ReactNode, ReactNode?]> }) {
  return (
    <section>
      <h2 className={classes.heading}>{title}</h2>
      {about && <p className={classes.lead}>{about}</p>}
      <dl className={classes.figures}>
        {rows.filter(([, value]) => value !== null && value !== undefined).map(([name, value, sub]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
            {sub && <dd className={classes.sub}>{sub}</dd>}
          </div>
        ))}
      </dl>
    </section>
  );
}
