import { Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Order } from '../api/records';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { inCurrency, isPositive, useDone, useStep } from './api';
import { orderField } from './fields';
import classes from './orders.module.css';
import { PaymentForm } from './PaymentForm';

export type Dialog = 'fulfil' | 'cancel' | 'return' | 'payments' | 'refund';

interface Props {
  order: Order;
  dialog: Dialog | undefined;
  onClose(): void;
}

/** Asks what a step needs to know, and says what follows from it. */
export function StepDialog({ order, dialog, onClose }: Props) {
  if (dialog === 'payments' || dialog === 'refund') return <PaymentForm order={order} refund={dialog === 'refund'} onClose={onClose} />;
  if (dialog === 'fulfil') return <Fulfil order={order} onClose={onClose} />;
  return dialog ? <End order={order} step={dialog} onClose={onClose} /> : null;
}

function Fulfil({ order, onClose }: { order: Order; onClose(): void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const step = useStep();
  const done = useDone();
  return (
    <FormModal
      title={t('orders.fulfil.title', { number: order.number })}
      opened
      onClose={onClose}
      initial={{ fulfilled_on: format.today() }}
      submit={t('orders.step.fulfil')}
      onError={(problem) => (problem.status === 412 ? t('orders.changed') : undefined)}
      onSubmit={async ({ fulfilled_on }, attempt) =>
        done(await step.mutateAsync({ order, step: 'fulfil', body: { fulfilled_on: fulfilled_on || undefined }, attempt }), t('orders.fulfil.done', { number: order.number }))
      }
    >
      {(form) => (
        <>
          <TextInput type="date" label={orderField(t)('fulfilled_on')} max={format.today()} data-autofocus {...form.getInputProps('fulfilled_on')} />
          <ul className={classes.follows}>
            <li>{t('orders.fulfil.counts')}</li>
            <li>{t('orders.fulfil.closed')}</li>
            <li>{t('orders.fulfil.survey')}</li>
          </ul>
        </>
      )}
    </FormModal>
  );
}

function End({ order, step: kind, onClose }: { order: Order; step: 'cancel' | 'return'; onClose(): void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const step = useStep();
  const done = useDone();
  return (
    <FormModal
      title={kind === 'cancel' ? t('orders.cancel.title', { number: order.number }) : t('orders.return.title', { number: order.number })}
      opened
      onClose={onClose}
      initial={{ reason: '' }}
      submit={t(`orders.step.${kind}`)}
      onError={(problem) => (problem.status === 412 ? t('orders.changed') : undefined)}
      onSubmit={async ({ reason }, attempt) =>
        done(
          await step.mutateAsync({ order, step: kind, body: { reason: reason.trim() || undefined }, attempt }),
          kind === 'cancel' ? t('orders.cancel.done', { number: order.number }) : t('orders.return.done', { number: order.number }),
        )
      }
    >
      {(form) => (
        <>
          <Textarea label={orderField(t)('reason')} maxLength={500} autosize minRows={2} data-autofocus {...form.getInputProps('reason')} />
          <ul className={classes.follows}>
            <li>{t('orders.end.counts')}</li>
            {isPositive(order.paid) && <li>{t('orders.end.owed', { paid: format.money(inCurrency(order, order.paid)) })}</li>}
            <li>{t('orders.end.final')}</li>
          </ul>
        </>
      )}
    </FormModal>
  );
}
