import { useTranslation } from 'react-i18next';
import type { Survey } from '../api/records';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { type Item, type Metric, toneOf } from './metrics';
import { Rows } from './Results';
import classes from './Results.module.css';

interface Bar {
  key: string;
  label: string;
  count: number;
  rows: string;
  tone?: string;
}

/** Counts as bars, each with its number, which leads to the answers. */
function Bars({ bars }: { bars: Bar[] }) {
  const format = useFormats();
  const most = Math.max(1, ...bars.map(({ count }) => count));
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  return (
    <ul className={classes.bars}>
      {bars.map(({ key, label, count, rows, tone }) => (
        <li key={key}>
          <span className={classes.barLabel}>{label}</span>
          <span className={classes.track} aria-hidden><span className={classes.bar} data-tone={tone} style={{ width: `${(count / most) * 100}%` }} /></span>
          <span className={`${classes.count} number`}>{count > 0 ? <Rows rows={rows}>{format.number(count)}</Rows> : '0'}</span>
          <span className={`${classes.share} number soft`}>{all > 0 ? format.percent(count / all) : ''}</span>
        </li>
      ))}
    </ul>
  );
}

/** How often each score was given, the best first. */
export function Distribution({ metric, distribution, rows }: { metric: Metric; distribution: Record<string, number>; rows: string }) {
  const { t } = useTranslation();
  const scores = Object.keys(distribution).map(Number).sort((one, other) => other - one);
  return (
    <section>
      <h2>{t('surveys.distribution')}</h2>
      <Bars bars={scores.map((score) => ({ key: String(score), label: String(score), count: distribution[score] ?? 0, rows: `${rows}&score=${score}`, tone: toneOf(metric, score) }))} />
    </section>
  );
}

export function NpsParts({ nps }: { nps: components['schemas']['SurveyNps'] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const all = Math.max(1, nps.promoters + nps.passives + nps.detractors);
  const parts = [
    { key: 'promoters', count: nps.promoters, tone: 'green' },
    { key: 'passives', count: nps.passives, tone: 'gray' },
    { key: 'detractors', count: nps.detractors, tone: 'red' },
  ];
  return (
    <section>
      <div className={classes.stack} aria-hidden>
        {parts.map(({ key, count, tone }) => count > 0 && <span key={key} data-tone={tone} style={{ width: `${(count / all) * 100}%` }} />)}
      </div>
      <ul className={classes.legend}>
        {parts.map(({ key, count, tone }) => (
          <li key={key}>
            <span className={classes.dot} data-tone={tone} aria-hidden />
            {t(`surveys.nps.${key}`)} <span className="number">{format.number(count)} · {format.percent(count / all)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** How often each answer was given to the survey's own scales and choices. */
export function ItemResults({ survey, counts, rows }: { survey: Survey; counts: Record<string, Record<string, number>>; rows: string }) {
  const { i18n } = useTranslation();
  const language = i18n.language === 'zh-CN' ? 'zh-CN' : 'en';
  const words = (text: Item['text']) => text[language] ?? text.en ?? text['zh-CN'] ?? '';
  const items = (survey.items ?? []).filter(({ key }) => counts[key]);
  return items.map((item) => {
    const answers = counts[item.key]!;
    const options = item.kind === 'choice' ? (item.choices ?? []).map(({ key, text }) => ({ key, label: words(text) || key })) : Object.keys(answers).sort((one, other) => Number(other) - Number(one)).map((key) => ({ key, label: key }));
    return (
      <section key={item.key}>
        <h2>{words(item.text)}</h2>
        <Bars bars={options.map(({ key, label }) => ({ key, label, count: answers[key] ?? 0, rows: `${rows}&answer=${item.key}:${key}` }))} />
      </section>
    );
  });
}
