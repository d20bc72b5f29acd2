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
          <Row label={t('customers.figure.recency')} about="recency_days" explain={score.explain}>{t('customers.days', { count: rfm.recency_days })}</Row>
          <Row label={t('customers.figure.frequency')} about="frequency" explain={score.explain}>{format.number(rfm.frequency)}</Row>
          <Row label={t('customers.figure.spent')} about="monetary" explain={score.explain}>{format.money(rfm.monetary)}</Row>
          <Row label={t('customers.score.cell')} about="cell" explain={score.explain}>{rfm.cell}</Row>
          <Row label={t('customers.score.grade')} about="grade" explain={score.explain}>{pareto?.grade}</Row>
          <Row label={t('customers.score.rank')} about="share_rank" explain={score.explain}>{pareto && t('customers.score.top', { share: format.percent(pareto.share_rank) })}</Row>
          <Row label={t('customers.score.alive')} about="p_alive" explain={score.explain}>{value && format.percent(value.p_alive, 1)}</Row>
          <Row label={t('customers.score.expected')} about="expected_orders_12m" explain={score.explain}>{value && format.number(value.expected_orders_12m, { maximumFractionDigits: 1 })}</Row>
          <Row label={t('customers.score.value')} about="clv_12m" explain={score.explain}>{format.money(value?.clv_12m)}</Row>
          <Row label={t('customers.score.interval')} about="interval" explain={score.explain}>{value?.interval && `${format.money(value.interval[0])} – ${format.money(value.interval[1])}`}</Row>
          <Row label={t('customers.score.risk')} about="risk" explain={score.explain}>{churn && format.percent(churn.risk, 1)}</Row>
        </dl>
        {score.scored_at && <p className="label">{t('customers.score.scored', { at: format.moment(score.scored_at) })}</p>}
      </section>
      <LoyaltyFigures id={id} />
      <Screenings id={id} />
    </div>
  );
}

interface RowProps {
  label: string;
  /** The figure, as the service names it in its explanations. */
  about?: string;
  explain?: Record<string, string>;
  children: ReactNode;
}

/** A figure and how it comes about: in the service's own words, which are English and exact, else in the reader's language. */
function Row({ label, about, explain, children }: RowProps) {
  const { t, i18n } = useTranslation();
  const words = about && (i18n.language === 'en' && explain?.[about] ? explain[about] : t(`customers.explain.${about}`));
  return (
    <div className={classes.row}>
      <dt>{label}</dt>
      <dd className="number">{children || '—'}</dd>
      {words && <dd className={classes.explain} title={explain?.[about ?? '']}>{words}</dd>}
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
        <Row label={t('customers.loyalty.level')} about="level" explain={explain}>{t(`customers.loyalty.levels.${data.level}`)}</Row>
        <Row label={t('customers.loyalty.purchase_days')} about="purchase_days" explain={explain}>{format.number(data.purchase_days)}</Row>
        <Row label={t('customers.loyalty.usual')} about="usual_days_between" explain={explain}>{days(data.usual_days_between)}</Row>
        <Row label={t('customers.loyalty.rhythm')} about="rhythm_days" explain={explain}>{days(data.rhythm_days)}</Row>
        {data.liking != null && <Row label={t('customers.loyalty.liking')}>{answer(data.liking)}</Row>}
        {data.preference != null && <Row label={t('customers.loyalty.preference')}>{answer(data.preference)}</Row>}
        {data.share_of_needs != null && <Row label={t('customers.loyalty.share')}>{format.percent(data.share_of_needs)}</Row>}
      </dl>
    </section>
  );
}
