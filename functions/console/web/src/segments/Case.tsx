import { ActionIcon, Button, Drawer, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { CustomerName } from '../ui/CustomerName';
import { tell, tellError } from '../ui/edit';
import { Field } from '../ui/Field';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { money } from '../ui/money';
import { ErrorState, Loading } from '../ui/states';
import { ACTIONS, type WinBack } from './api';
import classes from './Segments.module.css';
import { useSilence } from './silence';
import { State } from './WinBacks';

/** One case: why, what was done about it, and what is to be done next. */
export function Case({ id, onClose }: { id: string; onClose(): void }) {
  const { t } = useTranslation();
  const one = useQuery({
    queryKey: ['win-backs', 'record', id],
    queryFn: ({ signal }) => call<WinBack>('GET', `/v1/win-backs/${encodeURIComponent(id)}`, { signal }),
  });
  return (
    <Drawer opened onClose={onClose} position="right" size="min(480px, 100vw)" withCloseButton={false} padding={0} attributes={{ content: { 'aria-label': t('segments.winBack.case') } }}>
      <div className={classes.panelHead}>
        <h2 className="cut">{one.data ? <CustomerName id={one.data.contact_id} /> : t('segments.winBack.case')}</h2>
        <ActionIcon variant="subtle" color="gray" aria-label={t('common.close')} onClick={onClose}><IconX size={18} /></ActionIcon>
      </div>
      <div className={classes.panelBody}>
        {one.error ? <ErrorState error={one.error} retry={() => void one.refetch()} /> : one.data ? <Content one={one.data} /> : <Loading />}
      </div>
    </Drawer>
  );
}

function Content({ one }: { one: WinBack }) {
  const { t } = useTranslation();
  const format = useFormats();
  const silence = useSilence();
  const client = useQueryClient();
  const write = useMay()('win_backs', 'write');
  const [form, open] = useState<'action' | 'dismiss' | null>(null);
  const kept = (now: WinBack) => {
    client.setQueryData(['win-backs', 'record', one.id], now);
    void client.invalidateQueries({ queryKey: ['win-backs'] });
  };
  const again = useMutation({
    mutationFn: () => call<WinBack>('PATCH', `/v1/win-backs/${one.id}`, { body: { dismiss_reason: null }, version: one.version }),
    onSuccess: kept,
    onError: tellError,
  });
  const pending = one.status === 'found' || one.status === 'acted';
  return (
    <>
      <div className={classes.bar}>
        <State one={one} />
        {write && pending && !one.left_alone_on_purpose && <Button onClick={() => open('action')}>{t('segments.winBack.note')}</Button>}
        {write && pending && <Button variant="default" onClick={() => open('dismiss')}>{t('segments.winBack.dismiss')}</Button>}
        {write && one.status === 'dismissed' && <Button variant="default" loading={again.isPending} onClick={() => again.mutate()}>{t('segments.winBack.reopen')}</Button>}
      </div>
      {one.left_alone_on_purpose && <p className="soft">{t('segments.winBack.heldOutText')}</p>}
      <Field label={t('segments.column.why')} value={silence(one.detail)} />
      <Field label={t('segments.column.stage')} value={t(`segments.alerts.${one.stage}`)} />
      <Field label={t('segments.column.stake')} value={format.money(one.value_at_stake)} />
      <Field label={t('segments.column.found')} value={format.day(one.found_on)} />
      <Field label={t('segments.column.lastOrder')} value={format.day(one.last_purchase_on)} />
      <Field label={t('segments.column.until')} value={format.day(one.window_ends_on)} />
      {one.returned_on && <Field label={t('segments.column.returned')} value={format.day(one.returned_on)} />}
      {one.revenue && <Field label={t('segments.column.brought')} value={format.money(one.revenue)} />}
      {one.dismiss_reason && <Field label={t('segments.winBack.reason')} value={one.dismiss_reason} />}
      <h3 className={classes.small}>{t('segments.winBack.actions')}</h3>
      {one.actions?.length ? (
        <ol className={classes.actions}>
          {one.actions.map((action, index) => (
            <li key={index}>
              <strong>{t(`segments.action.${action.kind}`)}</strong> <span className="soft">{[format.day(action.on), action.cost && format.money(action.cost)].filter(Boolean).join(' · ')}</span>
              {action.note && <div>{action.note}</div>}
            </li>
          ))}
        </ol>
      ) : (
        <p className="soft">{t('segments.winBack.noActions')}</p>
      )}
      <FormModal
        title={t('segments.winBack.note')}
        opened={form === 'action'}
        onClose={() => open(null)}
        initial={{ kind: 'call', on: format.today(), note: '', cost: '' }}
        submit={t('segments.winBack.noteSubmit')}
        onSubmit={async (values, attempt) => {
          const cost = money(values.cost, format.currency);
          kept(
            await call<WinBack>('POST', `/v1/win-backs/${one.id}/actions`, {
              body: { kind: values.kind, on: values.on || undefined, note: values.note || undefined, cost: cost?.amount },
              attempt,
            }),
          );
          tell(t('segments.winBack.noted'));
        }}
      >
        {(fields) => (
          <>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
              <Select label={t('segments.winBack.kind')} allowDeselect={false} data-autofocus data={ACTIONS.map((value) => ({ value, label: t(`segments.action.${value}`) }))} {...fields.getInputProps('kind')} />
              <TextInput label={t('segments.winBack.on')} type="date" max={format.today()} {...fields.getInputProps('on')} />
              <TextInput label={t('segments.winBack.cost')} inputMode="decimal" rightSection={<span className="label">{format.currency}</span>} rightSectionWidth={46} {...fields.getInputProps('cost')} />
            </SimpleGrid>
            <Textarea label={t('segments.winBack.what')} autosize minRows={2} maxLength={2000} {...fields.getInputProps('note')} />
          </>
        )}
      </FormModal>
      <FormModal
        title={t('segments.winBack.dismiss')}
        opened={form === 'dismiss'}
        onClose={() => open(null)}
        initial={{ dismiss_reason: '' }}
        validate={{ dismiss_reason: (reason: string) => (reason.trim() ? null : t('segments.winBack.reasonMissing')) }}
        submit={t('segments.winBack.dismiss')}
        onSubmit={async (values) => kept(await call<WinBack>('PATCH', `/v1/win-backs/${one.id}`, { body: values, version: one.version }))}
      >
        {(fields) => <TextInput label={t('segments.winBack.reason')} required data-autofocus {...fields.getInputProps('dismiss_reason')} />}
      </FormModal>
    </>
  );
}
