import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Survey } from '../api/records';
import { useMe } from '../ui/me';
import { asksScore, isAsked, type Item, type Language, LANGUAGES, scaleOf } from './metrics';
import classes from './Preview.module.css';
import { PAGE } from './page';

/** The page that a customer's mail leads to, on a telephone. What one answers here shows which further questions appear; nothing is sent. */
export function Preview({ survey }: { survey: Survey }) {
  const { t, i18n } = useTranslation();
  const company = useMe().data?.tenant.company ?? '';
  const [language, setLanguage] = useState<Language>(i18n.language === 'zh-CN' ? 'zh-CN' : 'en');
  const [answers, setAnswers] = useState<Record<string, unknown>>({});
  const page = PAGE[language];
  const own = asksScore(survey.metric);
  const choose = (key: string, value: unknown) => setAnswers((now) => ({ ...now, [key]: value }));
  const question = survey.question?.[language] ?? page.metrics[survey.metric].question;
  const [least, best] = page.metrics[survey.metric].ends;
  const text = (words: Item['text'] | null | undefined) => words?.[language] ?? words?.en ?? words?.['zh-CN'] ?? '';
  const scale = (key: string, [low, high]: readonly [number, number], ends: boolean) => (
    <>
      <div className={classes.scale} role="group">
        {Array.from({ length: high - low + 1 }, (_, step) => low + step).map((number) => (
          <button key={number} type="button" aria-pressed={answers[key] === number} onClick={() => choose(key, number)}>{number}</button>
        ))}
      </div>
      {ends && (
        <p className={classes.ends}>
          <span>{low} = {least}</span>
          <span>{high} = {best}</span>
        </p>
      )}
    </>
  );
  return (
    <aside className={classes.preview} aria-label={t('surveys.preview.title')}>
      <div className={classes.bar}>
        <h2>{t('surveys.preview.title')}</h2>
        <SegmentedControl size="xs" aria-label={t('surveys.preview.language')} value={language} onChange={(value) => setLanguage(value as Language)} data={LANGUAGES.map((value) => ({ value, label: t(`surveys.language.${value}`) }))} />
      </div>
      <div className={classes.phone} lang={language}>
        <p className={classes.company}>{company}</p>
        <div className={classes.form}>
          {own ? (
            <div className={classes.asked}>
              <p className={classes.legend}>{question}</p>
              {scale('score', scaleOf(survey.metric), true)}
            </div>
          ) : (
            <p className={classes.legend}>{question}</p>
          )}
          {(survey.items ?? []).filter((item) => isAsked(item.show_if, answers)).map((item) => (
            <div key={item.key} className={classes.asked}>
              {item.heading && text(item.heading) && <p className={classes.legend}>{text(item.heading)}</p>}
              <p className={classes.item}>{text(item.text)}</p>
              {!item.required && <p className={classes.small}>{page.optional}</p>}
              {item.kind === 'scale' && scale(item.key, [item.from ?? 1, item.to ?? 7], !own)}
              {item.kind === 'choice' && (item.choices ?? []).map((choice) => (
                <button key={choice.key} type="button" className={classes.choice} aria-pressed={answers[item.key] === choice.key} onClick={() => choose(item.key, choice.key)}>{text(choice.text) || choice.key}</button>
              ))}
              {item.kind === 'text' && <div className={classes.area} />}
              {item.kind === 'split' && (item.choices ?? []).map((choice) => (
                <div key={choice.key} className={classes.points}><span>{text(choice.text) || choice.key}</span><span className={classes.box} /></div>
              ))}
            </div>
          ))}
          <div className={classes.asked}>
            <p className={classes.item}>{page.comment}</p>
            <div className={classes.area} />
          </div>
          <div className={classes.send}>{page.send}</div>
        </div>
        <p className={classes.small}>{page.stop}</p>
      </div>
      <p className={classes.note}>{t('surveys.preview.text')}</p>
    </aside>
  );
}
