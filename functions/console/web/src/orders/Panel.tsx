import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useRecord } from '../api/records';
import { ErrorState, Loading } from '../ui/states';
import { Lines } from './Lines';
import { Next } from './Next';
import { OrderFields } from './OrderFields';
import { OrderState, PaymentState } from './State';
import classes from './orders.module.css';

/** An order beside a list. */
export function OrderPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: order, error, refetch } = useRecord('orders', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!order) return <Loading />;
  return (
    <>
      <h2 className={classes.panelTitle}>
        <Link to={`/orders/${id}`}>{t('orders.title', { number: order.number })}</Link>
        <OrderState order={order} />
        <PaymentState order={order} />
      </h2>
      <Next order={order} />
      <OrderFields order={order} />
      <Lines order={order} brief />
    </>
  );
}
