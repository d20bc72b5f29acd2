import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Order } from '../api/records';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { inCurrency, isNegative, isPositive, stepsOf, useDone, useStep } from './api';
import classes from './orders.module.css';
import { type Dialog, StepDialog } from './StepDialog';

/** What is to be done next with an order, in one sentence and at most two buttons. */
export function Next({ order, editing }: { order: Order; editing?: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const write = useMay()('orders', 'write');
  const [dialog, setDialog] = useState<Dialog>();
  const step = useStep();
  const done = useDone();
  const can = stepsOf(order);
  const owes = isPositive(order.balance);
  const owed = isNegative(order.balance);
  const balance = format.money(inCurrency(order, order.balance.replace('-', '')));
  const words =
    order.status === 'draft' ? t('orders.next.draft')
    : owed ? t('orders.next.owed', { balance })
    : order.status === 'placed' ? (owes ? t('orders.next.placedOpen', { balance }) : t('orders.next.placedPaid'))
    : order.status === 'fulfilled' ? (owes ? t('orders.next.fulfilledOpen', { balance, when: format.ago(`${order.fulfilled_on ?? order.placed_on}T12:00:00Z`) }) : t('orders.next.complete'))
    : order.status === 'cancelled' ? t('orders.next.cancelled') : t('orders.next.returned');
  const place = () =>
    step.mutate({ order, step: 'place' }, { onSuccess: (order) => done(order, t('orders.edit.donePlaced', { number: order.number })), onError: tellError });
  return (
    <div className={`${classes.next} no-print`}>
      <span>{words}</span>
      <span className={classes.nextSteps}>
        {write && !editing && can.place && <Button loading={step.isPending} onClick={place}>{t('orders.step.place')}</Button>}
        {write && owed && can.refund && <Button variant={order.status === 'placed' ? 'default' : undefined} onClick={() => setDialog('refund')}>{t('orders.step.refund')}</Button>}
        {write && can.payments && owes && <Button variant={order.status === 'placed' ? 'default' : undefined} onClick={() => setDialog('payments')}>{t('orders.step.payments')}</Button>}
        {write && order.status === 'placed' && <Button onClick={() => setDialog('fulfil')}>{t('orders.step.fulfil')}</Button>}
      </span>
      <StepDialog order={order} dialog={dialog} onClose={() => setDialog(undefined)} />
    </div>
  );
}
