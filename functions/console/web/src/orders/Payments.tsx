import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Order } from '../api/records';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { Tag } from '../ui/Tag';
import { inCurrency, isNegative, stepsOf } from './api';
import classes from './Lines.module.css';
import own from './orders.module.css';
import { methodName } from './PaymentForm';
import { type Dialog, StepDialog } from './StepDialog';

/** What was received for an order and given back. */
export function Payments({ order }: { order: Order }) {
  const { t } = useTranslation();
  const format = useFormats();
  const write = useMay()('orders', 'write');
  const can = stepsOf(order);
  const [dialog, setDialog] = useState<Dialog>();
  const money = (amount: string) => format.money(inCurrency(order, amount));
  return (
    <>
      <div className={own.section}>
        <h2>{t('orders.payments')}</h2>
        {write && can.refund && <Button variant="default" onClick={() => setDialog('refund')}>{t('orders.step.refund')}</Button>}
        {write && can.payments && <Button variant="default" onClick={() => setDialog('payments')}>{t('orders.step.payments')}</Button>}
      </div>
      {order.payments.length === 0 ? (
        <p className="soft">{order.status === 'draft' ? t('orders.pay.afterPlacing') : t('orders.pay.none')}</p>
      ) : (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t('orders.pay.day')}</th>
              <th scope="col">{t('orders.pay.method')}</th>
              <th scope="col">{t('orders.pay.reference')}</th>
              <th scope="col" data-end>{t('orders.pay.amount')}</th>
            </tr>
          </thead>
          <tbody>
            {order.payments.map((payment) => (
              <tr key={payment.id}>
                <td>{format.day(payment.received_on)}</td>
                <td>{methodName(t, payment.method)}</td>
                <td>{payment.external_id}</td>
                <td data-end>
                  {isNegative(payment.amount) && <Tag tone="gray">{t('orders.pay.refunded')}</Tag>} {money(payment.amount)}
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={3}>{t('orders.paid')}</th>
              <td data-end>{money(order.paid)}</td>
            </tr>
            <tr data-strong>
              <th scope="row" colSpan={3}>{isNegative(order.balance) ? t('orders.owed') : t('orders.balance')}</th>
              <td data-end>{money(order.balance.replace('-', ''))}</td>
            </tr>
          </tfoot>
        </table>
      )}
      <StepDialog order={order} dialog={dialog} onClose={() => setDialog(undefined)} />
    </>
  );
}
