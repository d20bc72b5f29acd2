import { Button, SegmentedControl, UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, useGrowing } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import { Tag, type Tone } from '../ui/Tag';
import { useView } from '../ui/view';
import type { Receipt } from './api';
import classes from './Log.module.css';
import { GrowingRows } from './Rows';
import { Section } from './Section';

interface Fault {
  pointer?: string;
  detail?: string;
}

const SHOWN = ['all', 'failed', 'received'] as const;
const TONES: Record<Receipt['status'], Tone> = { failed: 'red', received: 'yellow', applied: 'green', ignored: 'gray' };

/** What a source posted lately and what became of it; what could not be applied can be applied again. */
export function Receipts({ source, may }: { source: string; may: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [view, change] = useView();
  const status = SHOWN.find((one) => one === view.status) ?? 'all';
  const base = `/v1/webhook-sources/${encodeURIComponent(source)}`;
  const path = `${base}/failures`;
  const list = useGrowing<Receipt>(
    ['webhook-receipts', source, status],
    status === 'all' ? `${base}/receipts` : path,
    { status: status === 'all' ? undefined : status, limit: 50 },
  );
  const { retry } = list;
  const waiting = list.rows.some((receipt) => receipt.status === 'received');
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(retry, 3_000);
    return () => clearInterval(timer);
  }, [waiting, retry]);
  const refresh = () => client.invalidateQueries({ queryKey: ['webhook-receipts', source] });
  const all = useMutation({
    mutationFn: () => call<{ replayed: number; has_more: boolean }>('POST', `${path}/replay`),
    onSuccess: ({ replayed }) => tell(t('settings.sources.replayed', { count: replayed })),
    onError: tellError,
    onSettled: refresh,
  });
  return (
    <Section
      title={t('settings.sources.receipts')}
      text={t('settings.sources.receiptsText')}
      action={
        <SegmentedControl
          size="xs"
          aria-label={t('settings.log.filter')}
          value={status}
          onChange={(next) => change({ status: next === 'all' ? undefined : next })}
          data={SHOWN.map((value) => ({ value, label: t(`settings.sources.status.${value}`) }))}
        />
      }
    >
      {may && status === 'failed' && list.rows.length > 1 && (
        <div><Button variant="default" loading={all.isPending} onClick={() => all.mutate()}>{t('settings.sources.replayAll')}</Button></div>
      )}
      <GrowingRows list={list} label={t('settings.sources.receipts')} none={t(`settings.sources.noMessages.${status}`)}>
        {(receipt) => <ReceiptRow key={receipt.id} receipt={receipt} path={path} may={may} refresh={refresh} />}
      </GrowingRows>
    </Section>
  );
}

function ReceiptRow({ receipt, path, may, refresh }: { receipt: Receipt; path: string; may: boolean; refresh(): Promise<void> }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [open, setOpen] = useState(false);
  const details = useId();
  const replay = useMutation({
    mutationFn: () => call('POST', `${path}/${receipt.id}/replay`),
    onSuccess: () => tell(t('settings.sources.replayed', { count: 1 })),
    onError: tellError,
    onSettled: refresh,
  });
  return (
    <li className={classes.entry}>
      <div className={classes.line}>
        <UnstyledButton className={classes.toggle} aria-expanded={open} aria-controls={details} onClick={() => setOpen(!open)}>
          <IconChevronRight size={14} className={classes.chevron} aria-hidden />
          <Tag tone={TONES[receipt.status]}>{t(`settings.sources.status.${receipt.status}`)}</Tag>
          <span className={`cut ${classes.reason}`}>{receipt.reason ?? ''}</span>
          <span className={`soft number ${classes.when}`} title={format.moment(receipt.received_at)}>{format.ago(receipt.received_at)}</span>
        </UnstyledButton>
        {may && receipt.status === 'failed' && <Button size="compact-xs" variant="default" loading={replay.isPending} onClick={() => replay.mutate()}>{t('settings.sources.replay')}</Button>}
      </div>
      {open && <div id={details} className={classes.details}><ReceiptDetails path={`${path}/${receipt.id}`} id={receipt.id} /></div>}
    </li>
  );
}

function ReceiptDetails({ path, id }: { path: string; id: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { data: receipt, error, refetch } = useQuery({ queryKey: ['webhook-receipt', id], queryFn: ({ signal }) => call<Receipt>('GET', path, { signal }) });
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!receipt) return <Loading lines={2} />;
  const faults = (receipt.problems ?? []) as Fault[];
  return (
    <>
      <div className="soft">
        {[
          format.moment(receipt.received_at),
          receipt.content_type,
          t('settings.sources.bytes', { bytes: format.number(receipt.bytes) }),
          receipt.replays ? t('settings.sources.replays', { count: receipt.replays }) : '',
        ].filter(Boolean).join(' · ')}
      </div>
      {faults.length > 0 && (
        <ul className={classes.faults}>
          {faults.map((fault, at) => (
            <li key={at}><code>{fault.pointer?.replace(/^#\/?/, '')}</code> {fault.detail}</li>
          ))}
        </ul>
      )}
      <div className="label">{t('settings.sources.body')}</div>
      <pre className={classes.text} tabIndex={0}>{receipt.body}</pre>
    </>
  );
}
