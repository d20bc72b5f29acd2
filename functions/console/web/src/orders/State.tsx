import { useTranslation } from 'react-i18next';
import type { Order } from '../api/records';
import { Tag, type Tone } from '../ui/Tag';
import type { OrderStatus, PaymentStatus } from './api';

const STATUS: Record<OrderStatus, Tone> = { draft: 'gray', placed: 'blue', fulfilled: 'green', cancelled: 'red', returned: 'violet' };
const PAYMENT: Record<PaymentStatus, Tone> = { unpaid: 'yellow', part_paid: 'yellow', paid: 'green', credit: 'violet', refunded: 'gray' };

export function OrderState({ order }: { order: Order }) {
  const { t } = useTranslation();
  return <Tag tone={STATUS[order.status]}>{t(`orders.state.${order.status}`)}</Tag>;
}

/** How the payments stand; a draft, or what was called off before anything was paid, waits for none and shows none. */
export function PaymentState({ order }: { order: Order }) {
  const { t } = useTranslation();
  const idle = order.payment_status === 'unpaid' && (order.status === 'draft' || order.status === 'cancelled' || order.status === 'returned');
  return idle ? null : <Tag tone={PAYMENT[order.payment_status]}>{t(`orders.payment.${order.payment_status}`)}</Tag>;
}
