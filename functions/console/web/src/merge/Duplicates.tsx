import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { RecordLink } from '../ui/RecordLink';
import { titleOf } from '../ui/RecordSelect';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { type Candidate, type Mergeable, useDuplicates } from './api';
import { Merge } from './Merge';
import classes from './Merge.module.css';

interface Props {
  noun: Mergeable;
  id: string;
  label(field: string): string;
}

/** Records that look like this one, each to be merged into it. */
export function Duplicates({ noun, id, label }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const write = useMay()(noun, 'write');
  const [merging, setMerging] = useState<Candidate | null>(null);
  const { data, error, refetch } = useDuplicates(noun, id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data) return <Loading lines={4} />;
  if (data.data.length === 0) return <EmptyState title={t('merge.none.title')}>{t('merge.none.text')}</EmptyState>;
  return (
    <>
      <p className="soft" style={{ marginTop: 0 }}>{t('merge.intro')}</p>
      <ul className={classes.candidates}>
        {data.data.map((candidate) => {
          const { email, phone } = candidate.record as unknown as Record<string, string | undefined>;
          return (
            <li key={candidate.id}>
              <div className={classes.who}>
                <RecordLink id={candidate.id}>{titleOf(candidate.record)}</RecordLink>
                <div className="soft">{[email, phone, t('merge.alike', { share: format.percent(candidate.score) })].filter(Boolean).join(' · ')}</div>
              </div>
              {write && <Button variant="default" onClick={() => setMerging(candidate)}>{t('merge.begin')}</Button>}
            </li>
          );
        })}
      </ul>
      {merging && <Merge noun={noun} id={id} from={merging.id} label={label} onClose={() => setMerging(null)} />}
    </>
  );
}
