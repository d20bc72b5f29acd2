import { useTranslation } from 'react-i18next';
import type { Money } from '../api/records';
import { Episodes } from '../timeline/Timeline';
import { sum } from '../ui/decimal';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { type Overview as Data, useOverview } from './api';
import { contactField } from './fields';
import { Figures } from './Figures';
import { NextSteps } from './NextSteps';
import classes from './Overview.module.css';
import { OrderRows, TicketRows } from './Related';
import { Offers } from './Offers';

/** Everything about a customer at a glance: what to do, the figures, what is open, what came last. */
export function Overview({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [, change] = useView();
  const { data: overview, error, refetch } = useOverview(id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!overview) return <Loading />;
  const { score, open_tickets: tickets = [], orders, timeline } = overview;
  const more = (tab: string) => <small><button type="button" className={classes.more} onClick={() => change({ tab })}>{t('customers.all')}</button></small>;
  return (
    <div className={classes.columns}>
      <NextSteps overview={overview} />
      {score?.rfm && <Figures score={score} owes={orders && format.money(owed(orders, format.currency))} />}
      {tickets.length > 0 && (
        <section>
          <h2>{t('customers.open_tickets')}{more('tickets')}</h2>
          <TicketRows tickets={tickets} />
        </section>
      )}
      {orders && orders.length > 0 && (
        <section>
          <h2>{t('customers.latest_orders')}{orders.length > 5 && more('orders')}</h2>
          <OrderRows orders={orders.slice(0, 5)} />
        </section>
      )}
      {score?.rfm && <Offers id={id} />}
      {timeline.data.length > 0 && (
        <section>
          <h2>{t('customers.latest_events')}{more('timeline')}</h2>
          <Episodes happenings={timeline.data} of={overview.contact.id} label={contactField(t)} />
        </section>
      )}
    </div>
  );
}

/** What is still to be paid of these orders, in the firm's currency. */
function owed(orders: NonNullable<Data['orders']>, currency: string): Money {
  const due = orders.filter((order) => order.currency === currency && order.status !== 'cancelled' && order.status !== 'draft');
  return { amount: sum(due.map((order) => order.balance as string)), currency } as unknown as Money;
}
