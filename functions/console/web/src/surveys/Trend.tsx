import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { type Metric, placeOf, rangeOf, type Results, written } from './metrics';
import classes from './Results.module.css';

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [720, 180, 44, 20];

/** The score from period to period with its intervals; the table below has the same values. */
export function Trend({ metric, data, by }: { metric: Metric; data: Results; by: 'month' | 'week' }) {
  const { t } = useTranslation();
  const format = useFormats();
  const groups = data.groups;
  const range = rangeOf(metric);
  const x = (index: number) => LEFT + ((index + 0.5) / groups.length) * (WIDTH - LEFT);
  const y = (value: number) => 8 + (1 - placeOf(value, range)) * (HEIGHT - BOTTOM - 8);
  const points = groups.flatMap(({ key, score }, index) => (score ? [{ key, score, x: x(index) }] : []));
  const ticks = [range[0], (range[0] + range[1]) / 2, range[1]];
  const named = Math.ceil(groups.length / 8);
  const { trend } = data;
  return (
    <figure className={classes.trend}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t('surveys.trend.label')}>
        {ticks.map((tick) => (
          <g key={tick}>
            <line className={classes.grid} x1={LEFT} x2={WIDTH} y1={y(tick)} y2={y(tick)} />
            <text className={classes.tick} x={LEFT - 6} y={y(tick) + 4} textAnchor="end">{written(format, metric, tick)}</text>
          </g>
        ))}
        {points.map(({ key, score, x }) => <line key={key} className={classes.whisker} x1={x} x2={x} y1={y(score.low)} y2={y(score.high)} />)}
        <polyline className={classes.line} points={points.map(({ score, x }) => `${x},${y(score.value)}`).join(' ')} />
        {points.map(({ key, score, x }) => (
          <circle key={key} className={classes.mark} cx={x} cy={y(score.value)} r={4}>
            <title>{`${key}: ${written(format, metric, score.value)}`}</title>
          </circle>
        ))}
        {groups.map(({ key }, index) => index % named === 0 && <text key={key} className={classes.tick} x={x(index)} y={HEIGHT - 4} textAnchor="middle">{key}</text>)}
      </svg>
      {trend && (
        <figcaption>
          {t(`surveys.trend.${trend.direction}`, {
            slope: written(format, metric, trend.slope.value), low: written(format, metric, trend.slope.low), high: written(format, metric, trend.slope.high),
            period: t(`surveys.trend.${by}`),
          })}
        </figcaption>
      )}
    </figure>
  );
}
