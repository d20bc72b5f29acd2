import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { type Noun, useGrowing } from '../api/records';
import classes from './History.module.css';
import { useFormats } from './format';
import { usePeople } from './me';
import { ErrorState, Loading } from './states';

interface Entry {
  version: number;
  time: string;
  actor?: string;
  via?: string;
  types: string[];
  changes: Array<{ field: string; old?: unknown; new?: unknown }>;
}

interface Props {
  noun: Noun;
  id: string;
  label(field: string): string;
  /** How the noun's own words read, such as a status; nothing for what reads as it is kept. */
  value?(field: string, value: string): string | undefined;
}

const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Who changed a record when, and how: newest first. */
export function History({ noun, id, label, value }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const people = usePeople();
  const list = useGrowing<Entry>([noun, 'history', id], `/v1/${noun}/${id}/history`, { limit: 50 });
  const read = (field: string, kept: unknown) => {
    if (typeof kept !== 'string') return text(kept);
    return value?.(field, kept) || people.name(kept) || (MOMENT.test(kept) ? format.moment(kept) : text(kept));
  };
  if (list.error) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={4} />;
  return (
    <>
      <ol className={classes.list}>
        {list.rows.map((entry) => (
          <li key={entry.version} className={classes.entry}>
            <div className={classes.head}>
              <span>{people.name(entry.actor) || t(`common.history.via.${entry.via ?? 'api'}`)}</span>
              <span className="soft"> · {entry.version === 1 ? t('common.history.created') : t('common.history.changed')}</span>
              <time className="soft" dateTime={entry.time} title={format.moment(entry.time)}> · {format.ago(entry.time)}</time>
            </div>
            {entry.changes.map((change) => (
              <div key={change.field} className={classes.change}>
                <span className="soft">{label(change.field)}</span> <del>{read(change.field, change.old)}</del> → <ins>{read(change.field, change.new)}</ins>
              </div>
            ))}
          </li>
        ))}
      </ol>
      {list.hasMore && <Button variant="default" size="xs" loading={list.growing} onClick={list.grow}>{t('common.history.more')}</Button>}
    </>
  );
}

/** A stored value as text: short, since the record itself shows it in full. */
function text(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—';
  if (typeof value === 'object' && 'amount' in value && 'currency' in value) return `${value.amount} ${value.currency}`;
  const words = typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return words.length > 160 ? `${words.slice(0, 160)}…` : words;
}
