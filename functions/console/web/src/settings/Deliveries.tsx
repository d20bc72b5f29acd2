import { Button, SegmentedControl, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, useGrowing } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { Tag, type Tone } from '../ui/Tag';
import { useView } from '../ui/view';
import type { Delivery, Endpoint } from './api';
import classes from './Log.module.css';
import { GrowingRows } from './Rows';
import { Section } from './Section';

const TONES: Record<Delivery['status'], Tone> = { pending: 'yellow', succeeded: 'green', failed: 'red', cancelled: 'gray' };
const STATUSES = ['', 'pending', 'succeeded', 'failed'];

/** What an endpoint was told, newest first. */
export function Deliveries({ endpoint, may }: { endpoint: Endpoint; may: boolean }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const status = STATUSES.includes(view.status ?? '') ? (view.status ?? '') : '';
  const list = useGrowing<Delivery>(['webhook-deliveries', endpoint.id, status], '/v1/webhook-deliveries', {
    endpoint_id: endpoint.id,
    status: status || undefined,
    limit: 50,
  });
  // What is on its way is looked at again until it has arrived.
  const waiting = list.rows.some((delivery) => delivery.status === 'pending' && soon(delivery.next_attempt_at));
  const { retry } = list;
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(retry, 2_000);
    return () => clearInterval(timer);
  }, [waiting, retry]);
  return (
    <Section
      title={t('settings.log.title')}
      action={
        <SegmentedControl
          size="xs"
          aria-label={t('settings.log.filter')}
          value={status}
          onChange={(next) => change({ status: next || undefined })}
          data={STATUSES.map((value) => ({ value, label: value ? t(`settings.log.status.${value}`) : t('common.views.all') }))}
        />
      }
    >
      <GrowingRows list={list} label={t('settings.log.title')} none={t('settings.log.none')}>
        {(delivery) => <DeliveryRow key={delivery.id} delivery={delivery} may={may && endpoint.enabled} />}
      </GrowingRows>
    </Section>
  );
}

const soon = (at: string | null | undefined) => Boolean(at) && new Date(at!).getTime() < Date.now() + 10_000;

function DeliveryRow({ delivery, may }: { delivery: Delivery; may: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const details = useId();
  const last = delivery.attempts.at(-1);
  const replay = useMutation({
    mutationFn: () => call('POST', `/v1/webhook-deliveries/${delivery.id}/replay`),
    onSuccess: () => tell(t('settings.log.replayed')),
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: ['webhook-deliveries'] }),
  });
  return (
    <li className={classes.entry}>
      <div className={classes.line}>
        <UnstyledButton className={classes.toggle} aria-expanded={open} aria-controls={details} onClick={() => setOpen(!open)}>
          <IconChevronRight size={14} className={classes.chevron} aria-hidden />
          <Tag tone={TONES[delivery.status]}>{t(`settings.log.status.${delivery.status}`)}</Tag>
          <b className="cut">{delivery.event_type}</b>
          <span className={`soft cut ${classes.subject}`}>{delivery.subject}</span>
          <span className={`soft number ${classes.when}`} title={format.moment(delivery.created_at)}>{format.ago(delivery.created_at)}</span>
        </UnstyledButton>
        {may && delivery.status !== 'pending' && <Button size="compact-xs" variant="default" loading={replay.isPending} onClick={() => replay.mutate()}>{t('settings.log.replay')}</Button>}
      </div>
      {open && (
        <div id={details} className={classes.details}>
          <div className="soft">
            {[
              t('settings.log.attempts', { count: delivery.attempt_count }),
              delivery.next_attempt_at && t('settings.log.next', { time: format.moment(delivery.next_attempt_at) }),
              delivery.event_id,
            ].filter(Boolean).join(' · ')}
          </div>
          {[...delivery.attempts].reverse().map((attempt) => (
            <div key={attempt.number} className={classes.attempt}>
              <span className="number">{format.moment(attempt.at)}</span>
              <Tag tone={attempt.status && attempt.status < 300 ? 'green' : 'red'}>{attempt.status ?? t('settings.log.noAnswer')}</Tag>
              <span className="soft number">{t('settings.log.took', { ms: format.number(attempt.millis) })}</span>
              {(attempt.error || attempt.response) && <pre className={classes.text}>{attempt.error ?? attempt.response}</pre>}
            </div>
          ))}
          {!last && <div className="soft">{t('settings.log.notYet')}</div>}
        </div>
      )}
    </li>
  );
}
