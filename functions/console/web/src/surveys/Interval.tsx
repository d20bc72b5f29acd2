import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import classes from './Results.module.css';
import { type Figure, type Metric, placeOf, rangeOf, written } from './metrics';

interface Props {
  figure: Figure;
  metric: Metric;
  /** The ends of the drawing, where they are not those of the metric. */
  range?: readonly [number, number];
}

/** A figure on its scale: a point in the interval that holds the true value 95 times of 100. The words beside it say the same. */
export function Interval({ figure, metric, range = rangeOf(metric) }: Props) {
  const at = (value: number) => `${placeOf(value, range) * 100}%`;
  const zero = range[0] < 0 && range[1] > 0;
  return (
    <span className={classes.interval} aria-hidden>
      <span className={classes.axis} />
      {zero && <span className={classes.zero} style={{ left: at(0) }} />}
      <span className={classes.reach} style={{ left: at(figure.low), width: `${(placeOf(figure.high, range) - placeOf(figure.low, range)) * 100}%` }} />
      <span className={classes.point} style={{ left: at(figure.value) }} />
    </span>
  );
}

/** The interval in words. */
export function Within({ figure, metric }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  return <span className="soft number">{t('surveys.within', { low: written(format, metric, figure.low), high: written(format, metric, figure.high) })}</span>;
}
