import { useTranslation } from 'react-i18next';
import type { Money } from '../api/records';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import { type Effect, type EffectGroup, useEffectOfWinBacks } from './api';
import classes from './Segments.module.css';

/** Whether winning back helps: those dealt with against those left alone, and what that cost. */
export function EffectView() {
  const effect = useEffectOfWinBacks();
  if (effect.error) return <ErrorState error={effect.error} retry={() => void effect.refetch()} />;
  if (!effect.data) return <Loading lines={3} />;
  return <Shown effect={effect.data} />;
}

function Shown({ effect }: { effect: Effect }) {
  const { t } = useTranslation();
  const format = useFormats();
  const tried = effect.hold_out;
  const [first, second, difference] = tried
    ? [tried.offered, tried.held_out, tried.difference]
    : [effect.acted, effect.left_alone, effect.difference];
  const points = (value: number) => format.number(value * 100, { signDisplay: 'exceptZero', maximumFractionDigits: 0 });
  const money = (sum: { amount: unknown; currency: unknown }) => format.money(sum as Money);
  return (
    <section className={classes.effect}>
      <h2 className={classes.heading}>{t('segments.effect.title')}</h2>
      <p className={classes.lead}>
        {effect.insufficient_data
          ? t(`segments.effect.insufficient.${effect.insufficient_data}`, { defaultValue: effect.insufficient_data, count: effect.window_days })
          : tried
            ? t('segments.effect.experiment')
            : t('segments.effect.observation')}
      </p>
      <dl className={classes.figures}>
        <Group name={tried ? t('segments.effect.offered') : t('segments.effect.acted')} group={first} />
        <Group name={tried ? t('segments.effect.heldOut') : t('segments.effect.leftAlone')} group={second} />
        {difference && (
          <div>
            <dt>{t('segments.effect.difference')}</dt>
            <dd>{t('segments.effect.points', { value: points(difference.value) })}</dd>
            <dd className={classes.sub}>{t('segments.effect.interval', { low: points(difference.low), high: points(difference.high) })}</dd>
          </div>
        )}
        <div>
          <dt>{t('segments.effect.revenue')}</dt>
          <dd>{money(effect.revenue)}</dd>
        </div>
        <div>
          <dt>{t('segments.effect.cost')}</dt>
          <dd>{money(effect.cost)}</dd>
        </div>
        <div>
          <dt>{t('segments.effect.open')}</dt>
          <dd>{format.number(effect.open.n)}</dd>
        </div>
      </dl>
    </section>
  );
}

function Group({ name, group }: { name: string; group: EffectGroup }) {
  const { t } = useTranslation();
  const format = useFormats();
  return (
    <div>
      <dt>{name}</dt>
      <dd>{group.share ? format.percent(group.share.value) : '—'}</dd>
      <dd className={classes.sub}>
        {t('segments.effect.returned', { returned: group.returned, count: group.n })}
        {group.share && ` · ${format.percent(group.share.low)} – ${format.percent(group.share.high)}`}
      </dd>
    </div>
  );
}
