import { Button } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { call } from '../api/records';
import { tell, tellError } from '../ui/edit';
import type { Recompute } from './api';
import classes from './Segments.module.css';

const over = (status: string | undefined) => ['done', 'failed', 'cancelled'].includes(status?.toLowerCase() ?? '');

/** Recomputes all scores on demand, and says how far that is. It runs each night by itself. */
export function Recomputing() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [id, follow] = useState<string>();
  const begin = useMutation({
    mutationFn: () => call<Recompute>('POST', '/v1/segments/recompute', { body: {}, attempt: attempt() }),
    onSuccess: (job) => follow(job.id),
    onError: tellError,
  });
  const job = useQuery({
    queryKey: ['segments', 'job', id],
    queryFn: ({ signal }) => call<Recompute>('GET', `/v1/segments/jobs/${id}`, { signal }),
    enabled: Boolean(id),
    refetchInterval: (query) => (over(query.state.data?.status) ? false : 1_000),
  }).data;
  const finished = over(job?.status);
  useEffect(() => {
    if (!job || !finished) return;
    follow(undefined);
    if (job.errors.length) tellError(new Error(job.errors.join(' · ')));
    else tell(t('segments.recompute.done', { count: job.customers, changed: job.changed }));
    void client.invalidateQueries({ queryKey: ['segments'], predicate: (query) => query.queryKey[1] !== 'job' });
    void client.invalidateQueries({ queryKey: ['win-backs'] });
  }, [job, finished, client, t]);
  const running = begin.isPending || (id !== undefined && !finished);
  return (
    <div className={classes.recompute}>
      {running && (
        <span role="status" className="soft">
          {job?.pages ? t('segments.recompute.pages', { done: job.pages_done, pages: job.pages }) : t('segments.recompute.running')}
        </span>
      )}
      <Button variant="default" leftSection={<IconRefresh size={15} />} loading={running} onClick={() => begin.mutate()}>
        {t('segments.recompute.label')}
      </Button>
    </div>
  );
}
