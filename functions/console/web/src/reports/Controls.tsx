import { Button, Select, Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { useView } from '../ui/view';
import type { Entry, Report } from './api';
import classes from './Report.module.css';
import { needsMonths, type Span, SPANS, type SpanName, spanName, spanOf, wholeMonths } from './spans';
import { useWords } from './words';

/** The days, the grouping, and whether currencies are converted. All lies in the address. */
export function Controls({ entry, report }: { entry: Entry; report: Report | undefined }) {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const [view, change] = useView();
  const [own, setOwn] = useState(false);
  const by = report?.by ?? view.by ?? entry.by[0]!;
  const span = report ? { from: report.from, to: report.to } : view.from && view.to ? { from: view.from, to: view.to } : undefined;
  const name = span && spanName(span, format.today());
  const whole = needsMonths(entry.name, by);
  const fresh = { number: undefined, limit: undefined };
  const several = report && (report.parts.length > 1 || view.convert === 'true');
  const regroup = (next: string | null) => {
    if (!next) return;
    // Days that a grouping cannot take become the months that hold them.
    const fit = view.from && view.to && needsMonths(entry.name, next) ? wholeMonths({ from: view.from, to: view.to }) : {};
    change({ ...fresh, ...fit, by: next === entry.by[0] ? undefined : next, measure: undefined });
  };
  return (
    <>
      {entry.dated && (
        <Select
          size="xs"
          w={170}
          aria-label={t('reports.span.label')}
          allowDeselect={false}
          data={[
            ...SPANS.map((value) => ({ value: value as string, label: t(`reports.span.${value}`) })),
            { value: 'own', label: t('reports.span.own') },
          ]}
          value={own || (span && !name) ? 'own' : (name ?? null)}
          onChange={(next) => {
            setOwn(next === 'own');
            if (next && next !== 'own') change({ ...fresh, ...spanOf(next as SpanName, format.today()) });
          }}
        />
      )}
      {entry.dated && span && (own || !name) && (
        <Days
          key={`${span.from}${span.to}${whole}`}
          span={span}
          whole={whole}
          onSpan={(days) => {
            setOwn(false);
            change({ ...fresh, ...days });
          }}
        />
      )}
      {entry.by.length > 1 && (
        <Select
          size="xs"
          w={190}
          aria-label={t('reports.grouping')}
          allowDeselect={false}
          searchable={entry.by.length > 8}
          data={entry.by.map((value) => ({ value, label: t('reports.by.each', { name: words.by(value) }) }))}
          value={by}
          onChange={regroup}
        />
      )}
      {several && (
        <Switch
          size="xs"
          label={t('reports.convert', { currency: format.currency })}
          checked={view.convert === 'true'}
          onChange={(event) => change({ ...fresh, convert: event.currentTarget.checked ? 'true' : undefined })}
        />
      )}
    </>
  );
}

/** The first and the last day, or month where sums are kept by month. */
function Days({ span, whole, onSpan }: { span: Span; whole: boolean; onSpan(span: Span): void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(span);
  const length = whole ? 7 : 10;
  const full = (text: string) => (text.length === 7 ? `${text}-01` : text);
  const made = draft.from && draft.to ? { from: full(draft.from), to: full(draft.to) } : null;
  const good = made !== null && made.from.slice(0, length) <= made.to.slice(0, length);
  const field = (end: 'from' | 'to') => (
    <TextInput
      size="xs"
      type={whole ? 'month' : 'date'}
      aria-label={t(`reports.span.${end}`)}
      value={draft[end].slice(0, length)}
      onChange={(event) => setDraft({ ...draft, [end]: event.currentTarget.value })}
      error={!good && end === 'to'}
    />
  );
  return (
    <form
      className={classes.days}
      onSubmit={(event) => {
        event.preventDefault();
        if (good) onSpan(whole ? wholeMonths(made) : made);
      }}
    >
      {field('from')}
      <span>–</span>
      {field('to')}
      <Button type="submit" size="xs" variant="default" disabled={!good}>{t('reports.span.apply')}</Button>
    </form>
  );
}
