import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { type Score, useLoyalty, useScore } from './api';
import { Alive, Fifths, Interval } from './Pictures';
import { Screenings } from './Screenings';
import classes from './Scores.module.css';
import { Grade, Lifecycle, Segment } from './States';

/** How a customer is ranked and what is expected, each figure with how it comes about. */
export function Scores({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { data: score, error, refetch } = useScore(id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!score) return <Loading />;
  if (!score.rfm) return <EmptyState title={t('customers.score.none.title')}>{t('customers.score.none.text')}</EmptyState>;
  const { rfm, value, pareto, churn } = score;
  return (
    <div className={classes.scores}>
      <p className={classes.words}>{inWords(score, t)}</p>
      <div className={classes.pictures}>
        {rfm.r && rfm.f && rfm.m ? (
          <figure>
            <figcaption>{t('customers.score.rfm')} <Segment segment={rfm.segment} /></figcaption>
            <Fifths scores={[
              { label: t('customers.score.recency'), value: rfm.r, note: t('customers.days', { count: rfm.recency_days }) },
              { label: t('customers.score.frequency'), value: rfm.f, note: t('customers.score.orders', { count: rfm.frequency }) },
              { label: t('customers.score.monetary'), value: rfm.m, note: format.roundMoney(rfm.monetary) },
            ]} />
          </figure>
        ) : null}
        {value && (
          <figure>
            <figcaption>{t('customers.score.alive')} <Lifecycle stage={score.lifecycle} /></figcaption>
            <Alive share={value.p_alive} text={format.percent(value.p_alive)} />
          </figure>
        )}
        {value?.clv_12m && (
          <figure>
            <figcaption>{t('customers.score.value')} <Grade grade={pareto?.grade} /></figcaption>
            <Interval
              value={Number(value.clv_12m.amount)}
              from={Number((value.interval?.[0] ?? value.clv_12m).amount)}
              to={Number((value.interval?.[1] ?? value.clv_12m).amount)}
              text={format.roundMoney(value.clv_12m)}
              fromText={format.roundMoney(value.interval?.[0])}
              toText={format.roundMoney(value.interval?.[1])}
            />
          </figure>
        )}
      </div>
      <section>
        <h2>{t('customers.score.figures')}</h2>
        <dl className={classes.list}>
          <Row label={t('customers.figure.recency')} explain={score.explain?.recency_days}>{t('customers.days', { count: rfm.recency_days })}</Row>
          <Row label={t('customers.figure.frequency')} explain={score.explain?.frequency}>{format.number(rfm.frequency)}</Row>
          <Row label={t('customers.figure.spent')} explain={score.explain?.monetary}>{format.money(rfm.monetary)}</Row>
          <Row label={t('customers.score.cell')} explain={score.explain?.cell}>{rfm.cell}</Row>
          <Row label={t('customers.score.grade')} explain={score.explain?.grade}>{pareto?.grade}</Row>
          <Row label={t('customers.score.rank')} explain={score.explain?.share_rank}>{pareto && t('customers.score.top', { share: format.percent(pareto.share_rank) })}</Row>
          <Row label={t('customers.score.alive')} explain={score.explain?.p_alive}>{value && format.percent(value.p_alive, 1)}</Row>
          <Row label={t('customers.score.expected')} explain={score.explain?.expected_orders_12m}>{value && format.number(value.expected_orders_12m, { maximumFractionDigits: 1 })}</Row>
          <Row label={t('customers.score.value')} explain={score.explain?.clv_12m}>{format.money(value?.clv_12m)}</Row>
          <Row label={t('customers.score.interval')} explain={score.explain?.interval}>{value?.interval && `${format.money(value.interval[0])} – ${format.money(value.interval[1])}`}</Row>
          <Row label={t('customers.score.risk')} explain={score.explain?.risk}>{churn && format.percent(churn.risk, 1)}</Row>
        </dl>
        {score.scored_at && <p className="label">{t('customers.score.scored', { at: format.moment(score.scored_at) })}</p>}
      </section>
      <LoyaltyFigures id={id} />
      <Screenings id={id} />
    </div>
  );
}

function Row({ label, explain, children }: { label: string; explain?: string; children: ReactNode }) {
  return (
    <div className={classes.row}>
      <dt>{label}</dt>
      <dd className="number">{children || '—'}</dd>
      {/* The service explains its figures in English. */}
      {explain && <dd className={classes.explain} lang="en">{explain}</dd>}
    </div>
  );
}

/** What the scores mean for whoever serves the customer. */
function inWords({ rfm, churn, value }: Score, t: ReturnType<typeof useTranslation>['t']): string {
  const parts: string[] = [];
  if (rfm?.segment) parts.push(t(`customers.meaning.${rfm.segment}`));
  const silence = churn?.alert ? churn.detail : undefined;
  if (silence) {
    const usual = silence.usual_days ?? silence.rhythm_days;
    parts.push(usual ? t('customers.score.silence', { days: silence.days_since_last, usual: Math.round(usual) }) : t('customers.score.silent', { days: silence.days_since_last }));
  }
  if (value && (value.model.basis as string) !== 'maximum_likelihood') parts.push(t('customers.score.unsure', { count: value.model.customers }));
  return parts.join(' ');
}

function LoyaltyFigures({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { data } = useLoyalty(id);
  if (!data) return null;
  const days = (value: number | null | undefined) => (value === null || value === undefined ? null : t('customers.days', { count: Math.round(value) }));
  const answer = (value: number | null | undefined) => (value === null || value === undefined ? null : t('customers.loyalty.ofSeven', { value }));
  const explain = data.explain as unknown as Record<string, string>;
  return (
    <section>
      <h2>{t('customers.loyalty.title')}</h2>
      <dl className={classes.list}>
        <Row label={t('customers.loyalty.level')} explain={explain.level}>{t(`customers.loyalty.levels.${data.level}`)}</Row>
        <Row label={t('customers.loyalty.purchase_days')} explain={explain.purchase_days}>{format.number(data.purchase_days)}</Row>
        <Row label={t('customers.loyalty.usual')} explain={explain.usual_days_between}>{days(data.usual_days_between)}</Row>
        <Row label={t('customers.loyalty.rhythm')} explain={explain.rhythm_days}>{days(data.rhythm_days)}</Row>
        {data.liking != null && <Row label={t('customers.loyalty.liking')}>{answer(data.liking)}</Row>}
        {data.preference != null && <Row label={t('customers.loyalty.preference')}>{answer(data.preference)}</Row>}
        {data.share_of_needs != null && <Row label={t('customers.loyalty.share')}>{format.percent(data.share_of_needs)}</Row>}
      </dl>
    </section>
  );
}
