import { Checkbox, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Order } from '../api/records';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { parseAmount } from '../ui/money';
import { inCurrency, isNegative, isPositive, METHODS, useDone, useStep } from './api';
import { micro } from './totals';

/** Records a payment, or what is given back. */
export function PaymentForm({ order, refund, onClose }: { order: Order; refund: boolean; onClose(): void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const step = useStep();
  const done = useDone();
  const before = order.payments.findLast((payment) => payment.method)?.method;
  const proposed = refund ? (isNegative(order.balance) ? order.balance.slice(1) : order.paid) : isPositive(order.balance) ? order.balance : '';
  const exceeds = (amount: string) => !refund && (micro(amount) ?? 0n) > (micro(order.balance) ?? 0n);
  return (
    <FormModal
      title={refund ? t('orders.pay.refund', { number: order.number }) : t('orders.pay.receive', { number: order.number })}
      opened
      onClose={onClose}
      initial={{ amount: proposed, method: before ?? 'transfer', received_on: format.today(), external_id: '', credit: false }}
      validate={{
        amount: (amount: string, { credit }: { credit: boolean }) =>
          (micro(amount) ?? 0n) <= 0n ? t('orders.pay.amountWrong') : exceeds(amount) && !credit ? t('orders.pay.exceeds') : null,
      }}
      submit={refund ? t('orders.step.refund') : t('orders.step.payments')}
      onError={(problem) => (problem.status === 412 ? t('orders.changed') : undefined)}
      onSubmit={async ({ amount, method, received_on, external_id, credit }, attempt) => {
        const body = {
          amount: `${refund ? '-' : ''}${parseAmount(amount)}`,
          method: method || undefined,
          received_on: received_on || undefined,
          external_id: external_id.trim() || undefined,
          allow_credit: exceeds(amount) && credit ? true : undefined,
        };
        done(await step.mutateAsync({ order, step: 'payments', body, attempt }), refund ? t('orders.pay.doneRefund') : t('orders.pay.doneReceive'));
      }}
    >
      {(form) => (
        <>
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <TextInput label={t('orders.pay.amount')} required inputMode="decimal" data-autofocus rightSection={<span className="label">{order.currency}</span>} rightSectionWidth={46} {...form.getInputProps('amount')} />
            <Select
              label={t('orders.pay.method')}
              data={[...new Set([...METHODS, ...(before ? [before] : [])])].map((value) => ({ value, label: methodName(t, value) }))}
              clearable
              {...form.getInputProps('method')}
            />
            <TextInput type="date" label={refund ? t('orders.pay.refundedOn') : t('orders.pay.receivedOn')} max={format.today()} {...form.getInputProps('received_on')} />
            <TextInput label={t('orders.pay.reference')} maxLength={200} {...form.getInputProps('external_id')} />
          </SimpleGrid>
          {exceeds(form.getValues().amount) && (
            <Checkbox size="xs" label={t('orders.pay.credit', { balance: format.money(inCurrency(order, order.balance)) })} {...form.getInputProps('credit', { type: 'checkbox' })} />
          )}
        </>
      )}
    </FormModal>
  );
}

export const methodName = (t: (key: string) => string, method: string | null | undefined): string =>
  method && (METHODS as readonly string[]).includes(method) ? t(`orders.method.${method}`) : (method ?? '');
