import { ActionIcon, Button, Drawer } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Growing } from '../api/records';
import { CustomerName } from '../ui/CustomerName';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import type { Score } from './api';
import classes from './Segments.module.css';

interface Props {
  title: string;
  about?: string;
  list: Pick<Growing<Score>, 'rows' | 'loading' | 'error' | 'hasMore' | 'growing' | 'grow' | 'retry'>;
  onClose(): void;
}

/** Customers with their scores, beside what they were chosen from. */
export function People({ title, about, list, onClose }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  return (
    <Drawer opened onClose={onClose} position="right" size="min(620px, 100vw)" withCloseButton={false} padding={0} attributes={{ content: { 'aria-label': title } }}>
      <div className={classes.panelHead}>
        <h2 className="cut">{title}</h2>
        <ActionIcon variant="subtle" color="gray" aria-label={t('common.close')} onClick={onClose}><IconX size={18} /></ActionIcon>
      </div>
      <div className={classes.panelBody}>
        {about && <p className={classes.lead}>{about}</p>}
        {list.error ? (
          <ErrorState error={list.error} retry={list.retry} />
        ) : list.loading ? (
          <Loading />
        ) : (
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">{t('segments.column.customer')}</th>
                <th scope="col" data-end>{t('segments.column.orders')}</th>
                <th scope="col" data-end>{t('segments.column.bought')}</th>
                <th scope="col" data-end>{t('segments.column.last')}</th>
                <th scope="col" data-end data-wide>{t('segments.column.expected')}</th>
              </tr>
            </thead>
            <tbody>
              {list.rows.map((score) => (
                <tr key={score.contact_id}>
                  <td><div className="cut"><CustomerName id={score.contact_id} /></div></td>
                  <td data-end>{format.number(score.rfm?.frequency ?? 0)}</td>
                  <td data-end>{format.roundMoney(score.rfm?.monetary)}</td>
                  <td data-end className="soft">{score.rfm && t('segments.daysAgo', { count: score.rfm.recency_days })}</td>
                  <td data-end data-wide>{format.roundMoney(score.value?.clv_12m)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {list.hasMore && <Button mt="sm" variant="default" loading={list.growing} onClick={list.grow}>{t('segments.more')}</Button>}
      </div>
    </Drawer>
  );
}

const STEP = 50;

/** Scores at hand as a list that grows, so that hundreds are not drawn at once. */
export function useGrowingScores(scores: Score[]): Props['list'] {
  const [shown, show] = useState(STEP);
  return {
    rows: scores.slice(0, shown),
    loading: false,
    error: null,
    hasMore: shown < scores.length,
    growing: false,
    grow: () => show(shown + STEP),
    retry: () => undefined,
  };
}
