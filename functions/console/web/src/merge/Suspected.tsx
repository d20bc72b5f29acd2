import { Button } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../api/error';
import { keys, type Meta, type Noun, records } from '../api/records';
import { useFormats } from '../ui/format';
import { RecordLink } from '../ui/RecordLink';
import { titleOf } from '../ui/RecordSelect';
import classes from './Suspected.module.css';

interface Props {
  noun: Noun;
  error: ApiError;
  /** Sends the form again, with the word that it is somebody else. */
  anyway(): void;
}

/** The answer to a create that looks like somebody who is there already: who that is, and a way on. */
export function Suspected({ noun, error, anyway }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const candidates = error.candidates as unknown as Array<{ id: string; score: number }>;
  const found = useQueries({
    queries: candidates.slice(0, 5).map(({ id }) => ({
      queryKey: keys.record(noun, id),
      queryFn: () => records.get(noun, id) as Promise<Meta>,
    })),
  });
  return (
    <>
      <p className={classes.text}>{t('merge.suspected.text')}</p>
      <ul className={`${classes.list} words`}>
        {candidates.slice(0, 5).map(({ id, score }, index) => {
          const record = found[index]?.data as (Meta & { email?: string; phone?: string }) | undefined;
          return (
            <li key={id}>
              <RecordLink id={id}>{record ? titleOf(record) : t('common.loading')}</RecordLink>
              <span> · {[record?.email, record?.phone, t('merge.alike', { share: format.percent(score) })].filter(Boolean).join(' · ')}</span>
            </li>
          );
        })}
      </ul>
      <Button variant="default" onClick={anyway}>{t('merge.suspected.anyway')}</Button>
    </>
  );
}
