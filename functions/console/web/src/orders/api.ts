import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { components } from '../api/schema.gen';
import { ApiError } from '../api/error';
import { call, type Company, type Contact, keys, type Money, type Order } from '../api/records';
import { tell } from '../ui/edit';

export type Line = components['schemas']['Line'];
export type Payment = components['schemas']['Payment'];
export type OrderStatus = components['schemas']['OrderStatus'];
export type PaymentStatus = components['schemas']['PaymentStatus'];

/** An order as a list reads it, with who bought. */
export type ListedOrder = Order & { contact?: Contact; company?: Company };

export const STATUSES: OrderStatus[] = ['draft', 'placed', 'fulfilled', 'cancelled', 'returned'];
export const PAYMENT_STATUSES: PaymentStatus[] = ['unpaid', 'part_paid', 'paid', 'credit', 'refunded'];
export const METHODS = ['transfer', 'card', 'cash', 'cheque', 'direct_debit', 'paypal', 'alipay', 'wechat_pay'] as const;

export type Step = 'place' | 'fulfil' | 'cancel' | 'return' | 'payments';

/** An amount of an order, with its currency. */
export const inCurrency = (order: Pick<Order, 'currency'>, amount: string): Money => ({ amount, currency: order.currency });

/** Whether lines and prices stand as they are. */
export const isClosed = (order: Order) => order.status === 'fulfilled' || order.status === 'cancelled' || order.status === 'returned';

export const isPositive = (amount: string) => !amount.startsWith('-') && /[1-9]/.test(amount);
export const isNegative = (amount: string) => amount.startsWith('-') && /[1-9]/.test(amount);

/** What an order may become from what it is, and whether money is still to move. */
export function stepsOf(order: Order): Record<Step | 'refund', boolean> {
  const open = order.status === 'draft' || order.status === 'placed';
  const over = order.status === 'cancelled' || order.status === 'returned';
  return {
    place: order.status === 'draft' && order.lines.length > 0,
    fulfil: open && order.lines.length > 0,
    cancel: open,
    return: order.status === 'fulfilled',
    payments: !over && order.status !== 'draft',
    refund: isPositive(order.paid),
  };
}

/** Moves an order on, or records a payment; what it is then is seen everywhere. */
export function useStep() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ order, step, body = {}, attempt }: { order: Order; step: Step; body?: object; attempt?: string }) =>
      call<Order>('POST', `/v1/orders/${order.id}/${step}`, { body, version: order.version, attempt }),
    onSuccess: (order) => {
      client.setQueryData(keys.record('orders', order.id), order);
      void client.invalidateQueries({ queryKey: keys.noun('orders') });
    },
    // Somebody else was faster: the order is shown as it is now, so that the step can be decided on again.
    onError: (error, { order }) => {
      if (error instanceof ApiError && error.current) client.setQueryData(keys.record('orders', order.id), error.current);
    },
  });
}

export function useDone() {
  const client = useQueryClient();
  return (order: Order, words: string) => {
    client.setQueryData(keys.record('orders', order.id), order);
    void client.invalidateQueries({ queryKey: keys.noun('orders') });
    tell(words);
  };
}
